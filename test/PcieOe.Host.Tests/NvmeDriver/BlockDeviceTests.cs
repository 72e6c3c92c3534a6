using PcieOe.Host.Interop;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Nvme;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

public sealed unsafe class BlockDeviceTests
{
    [Fact]
    public void Commands_OfSeveralClientThreads_AreDoneAndTheirDataIsTheirOwn()
    {
        const int Clients = 3;
        const int Commands = 3_000;
        using BlockDriverHarness harness = new(useBlockDevice: true);
        BlockDevice device = harness.Device!;
        harness.Connect(FunctionResetKind.Conventional);
        Assert.NotNull(device.Info);
        BlockDeviceChannel[] channels = [.. Enumerable.Range(0, Clients).Select(_ => device.Open(depth: 16))];
        Thread[] threads = [.. channels.Select((channel, index) => new Thread(() => Client(device, channel, index, Commands)))];
        Array.ForEach(threads, thread => thread.Start());
        int outages = 0;
        while (!Array.TrueForAll(channels, channel => channel.IsDetached))
        {
            harness.Now += 20_000;
            harness.Round();
            if (device.Driver.Counters.Completed > 1_000 * (outages + 1) && outages < 3)
            {
                outages++;
                harness.CutCable();
                harness.Port.OnSessionLost(harness.Now);
                harness.Connect(FunctionResetKind.StateLost);
            }
        }

        Array.ForEach(threads, thread => thread.Join());

        // A new session is set up in rounds of its own, and fast clients may be through before the last one.
        Assert.InRange(outages, 1, 3);
        Assert.Equal(Clients * Commands, device.Driver.Counters.Completed);
        Assert.Equal(0, device.Driver.Counters.CompletedWithError);
        Array.ForEach(channels, channel => channel.Dispose());
    }

    [Fact]
    public void Submit_BeforeTheDriverIsReady_WaitsForIt()
    {
        using BlockDriverHarness harness = new(useBlockDevice: true);
        BlockDeviceChannel channel = harness.Device!.Open(depth: 4);
        Assert.True(harness.Device.Pool.TryAllocate(4096, out nint buffer));
        Assert.True(channel.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, buffer) with { Context = ulong.MaxValue }));
        harness.Round();
        Assert.False(channel.TryTakeCompletion(out _));
        harness.Connect(FunctionResetKind.Conventional);
        Assert.True(channel.TryTakeCompletion(out BlockCompletion completion));
        Assert.Equal(new BlockCompletion(ulong.MaxValue, NvmeStatus.Success), completion);
        Assert.Equal(0, channel.UnderWay);
    }

    [Fact]
    public void Commands_ThroughAChannel_OneInSoManyIsStamped()
    {
        using BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        harness.Hops.Every = 4;
        BlockDeviceChannel channel = harness.Device!.Open(depth: 4);
        Assert.True(harness.Device.Pool.TryAllocate(4096, out nint buffer));
        for (int i = 0; i < 40; i++)
        {
            Assert.True(channel.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, buffer)));
            harness.Now += 5000;
            harness.Run();
            Assert.True(channel.TryTakeCompletion(out _));
        }

        // What left with the last completion is told with the next one.
        using HopHistograms hops = harness.Hops.Recorder.Totals.Merge();
        Assert.Equal(9, hops.Count);
        Assert.Equal(5, hops.Hops()[(int)Hop.Submit].P50Microseconds);
        Assert.Equal(0, hops.ResidualMicroseconds);
    }

    [Fact]
    public void Submit_InvalidOrTooMany_IsAnsweredOrTurnedDown()
    {
        using BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        BlockDeviceChannel channel = harness.Device!.Open(depth: 4);
        for (int i = 0; i < 4; i++)
        {
            Assert.True(channel.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, 4096) with { Context = (ulong)i }));
        }

        Assert.False(channel.TrySubmit(default));
        harness.Run();
        for (int i = 0; i < 4; i++)
        {
            Assert.True(channel.TryTakeCompletion(out BlockCompletion completion));
            Assert.Equal(new BlockCompletion((ulong)i, NvmeStatus.InvalidField), completion);
        }

        channel.Close();
        Assert.False(channel.TrySubmit(default));
        Assert.Throws<InvalidOperationException>(channel.Dispose);
        harness.Run();
        Assert.True(channel.IsDetached);
        channel.Dispose();
    }

    [Fact]
    public void Stop_CommandsUnderWay_EndsThemAndLetsChannelsGo()
    {
        using BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        BlockDevice device = harness.Device!;
        BlockDeviceChannel channel = device.Open(depth: 8);
        Assert.True(device.Pool.TryAllocate(4096, out nint buffer));
        for (int i = 0; i < 4; i++)
        {
            Assert.True(channel.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, buffer)));
        }

        device.Poll(harness.Now);
        Assert.True(channel.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, buffer)));
        device.Stop(harness.Now);
        harness.Advance(100);
        Assert.True(device.IsStopped);
        int ended = 0;
        while (channel.TryTakeCompletion(out BlockCompletion completion))
        {
            Assert.Equal(NvmeStatus.CommandAbortedByHost, completion.Status);
            ended++;
        }

        Assert.Equal(5, ended);
        Assert.True(channel.IsDetached);
        Assert.True(device.Open(1).IsDetached);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(0, harness.Port.MappedRanges);
    }

    /// <summary>Writes and reads back blocks of its own, several at a time, and sleeps when there is nothing to take.</summary>
    private static void Client(BlockDevice device, BlockDeviceChannel channel, int index, int commands)
    {
        const int Slots = 8;
        if (!device.Pool.TryAllocate(Slots * 4096, out nint buffers))
        {
            return;
        }

        int[] round = new int[Slots];
        int submitted = 0;
        for (int taken = 0; taken < commands;)
        {
            for (int slot = 0; slot < Slots && submitted < commands; slot++)
            {
                if (round[slot] >= 0)
                {
                    Submit(channel, buffers, index, slot, round[slot]);
                    round[slot] = ~round[slot];
                    submitted++;
                }
            }

            channel.Flush();
            while (!channel.TryTakeCompletion(out BlockCompletion completion) || !Accept(completion, buffers, index, round, ref taken))
            {
                channel.PrepareToSleep();
                if (channel.TryTakeCompletion(out completion) && Accept(completion, buffers, index, round, ref taken))
                {
                    channel.Awake();
                    break;
                }

                PollEntry entry = new() { Descriptor = channel.WakeUpDescriptor, Events = 1 };
                _ = LibC.Poll(&entry, 1, null, null);
                channel.Awake();
            }
        }

        channel.Close();
    }

    private static void Submit(BlockDeviceChannel channel, nint buffers, int index, int slot, int round)
    {
        Span<byte> buffer = new((void*)(buffers + slot * 4096), 4096);
        bool isWrite = round % 2 == 0;
        buffer.Fill(isWrite ? Pattern(index, slot, round) : (byte)0);
        BlockCommand command = NvmeBlockDriverTests.Command(
            isWrite ? BlockOperation.Write : BlockOperation.Read, (ulong)(index * 100 + slot), 1, buffers + slot * 4096);
        command.Context = (ulong)slot;
        Assert.True(channel.TrySubmit(command));
    }

    private static bool Accept(in BlockCompletion completion, nint buffers, int index, int[] rounds, ref int taken)
    {
        int slot = (int)completion.Context;
        int round = ~rounds[slot];
        byte expected = Pattern(index, slot, round & ~1);
        ReadOnlySpan<byte> buffer = new((void*)(buffers + slot * 4096), 4096);
        if (completion.Status != NvmeStatus.Success || buffer.ContainsAnyExcept(expected))
        {
            Environment.FailFast($"Client {index}, slot {slot}, round {round}: {completion.Status}, {buffer[0]:x2} instead of {expected:x2}.");
        }

        rounds[slot] = round + 1;
        taken++;
        return true;
    }

    private static byte Pattern(int index, int slot, int round) => (byte)(index * 83 + slot * 31 + round * 7 + 1);
}
