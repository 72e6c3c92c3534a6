using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

public sealed unsafe class NvmeBlockDriverTests
{
    private const int BlockBytes = BlockDriverHarness.BlockBytes;

    [Fact]
    public void Start_FunctionThere_IsReadyWithItsNamespaces()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        Assert.Equal(new NamespaceInfo(1, BlockBytes, (64UL << 20) / BlockBytes), Assert.Single(harness.Driver.Namespaces));
        Assert.True(harness.Driver.UsesControllerMemory);
        Assert.Equal(1023, harness.Driver.QueueDepth);
        Assert.Equal([BlockDriverState.Ready], harness.Client.States);
    }

    [Fact]
    public void Start_ControllerGrantsLess_MakesDo()
    {
        NvmeDriverOptions options = new() { PoolBytes = 32 << 20, QueuePairs = 16, QueueEntries = 256 };
        using BlockDriverHarness harness = BlockDriverHarness.Ready(options, memoryBufferBytes: 0, maximumQueueEntries: 64, targetTransferBytes: 16384);
        Assert.False(harness.Driver.UsesControllerMemory);
        Assert.Equal(8 * 63, harness.Driver.QueueDepth);
        Assert.Equal(16384, harness.Driver.MaximumTransferBytes);
    }

    [Theory]
    [InlineData(8 << 20, 8900, 1, true, 16384)]
    [InlineData(8 << 20, 8900, 4, true, 0)]
    [InlineData(8 << 20, 8900, 2, false, 16384)]
    [InlineData(8 << 20, 1440, 1, true, 262144)]
    [InlineData(1 << 20, 8900, 3, false, 4096)]
    [InlineData(64 << 10, 8900, 1, true, 4096)]
    [InlineData(0, 8900, 2, true, 0)]
    [InlineData(0, 1440, 1, false, 0)]
    public void ReadsAndWrites_Depth256_MatchAModel(int memoryBufferBytes, int frameBytes, int queuePairs, bool useSgl, int writeDataBytes)
    {
        NvmeDriverOptions options = new()
        {
            QueuePairs = queuePairs,
            QueueEntries = 300,
            UseSgl = useSgl,
            WriteDataInControllerMemoryBytes = writeDataBytes,
            PoolBytes = 96 << 20,
        };
        using BlockDriverHarness harness = BlockDriverHarness.Ready(options, memoryBufferBytes, frameBytes);
        using VerifiedLoad load = new(harness, depth: 256, seed: 31);
        load.Run(commands: Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "soak" ? 200_000 : 6_000);
        Assert.Equal(0, harness.Client.Errors);
        Assert.Equal(memoryBufferBytes > 0 && writeDataBytes > 0, harness.Driver.Counters.WritesThroughControllerMemory > 0);
        Assert.Equal(0, harness.Port.Counters.DmaReadsRefused + harness.Port.Counters.DmaWritesRefused + harness.Port.Counters.TlpsMalformed);
    }

    [Fact]
    public void ReadsAndWrites_NarrowWindow_StillMatchAModel()
    {
        NvmeDriverOptions options = new() { QueueEntries = 300, PoolBytes = 96 << 20 };
        using BlockDriverHarness harness = BlockDriverHarness.Ready(options, frameBytes: 4300, windowFrames: 2);
        using VerifiedLoad load = new(harness, depth: 256, seed: 5);
        load.Run(commands: 3_000);
        Assert.Equal(0, harness.Client.Errors);
    }

    [Fact]
    public void Write_ThroughControllerMemory_TakesOneRoundTrip()
    {
        Assert.Equal(1, RoundTripsOfOneWrite(writeDataBytes: 4096, memoryBufferBytes: 8 << 20));
        Assert.Equal(2, RoundTripsOfOneWrite(writeDataBytes: 0, memoryBufferBytes: 8 << 20));
        Assert.Equal(3, RoundTripsOfOneWrite(writeDataBytes: 0, memoryBufferBytes: 0));
    }

    [Theory]
    [InlineData(8 << 20)]
    [InlineData(0)]
    public void OtherCommands_DoWhatTheySay(int memoryBufferBytes)
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(memoryBufferBytes: memoryBufferBytes);
        Assert.True(harness.Driver.Pool.TryAllocate(64 * 1024, out nint buffer));
        Span<byte> data = new((void*)buffer, 64 * 1024);
        data.Fill(0x5A);
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Write, 100, 16, buffer)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Flush, 0, 0, 0)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Compare, 100, 16, buffer)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.WriteZeroes, 102, 2, 0)));
        Assert.Equal(NvmeStatus.CompareFailure, harness.Do(Command(BlockOperation.Compare, 100, 16, buffer)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Trim, 104, 4, 0)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Read, 100, 16, buffer)));
        for (int block = 0; block < 16; block++)
        {
            byte expected = block is >= 2 and < 8 ? (byte)0 : (byte)0x5A;
            Assert.Equal(expected, data[block * BlockBytes]);
            Assert.Equal(expected, data[(block + 1) * BlockBytes - 1]);
        }
    }

    [Fact]
    public void Command_BeyondTheNamespace_EndsWithItsStatus()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        Assert.True(harness.Driver.Pool.TryAllocate(8192, out nint buffer));
        ulong last = harness.Driver.Namespaces[0].Blocks - 1;
        Assert.Equal(NvmeStatus.LbaOutOfRange, harness.Do(Command(BlockOperation.Read, last, 2, buffer)));
        Assert.Equal(NvmeStatus.Success, harness.Do(Command(BlockOperation.Read, last, 1, buffer)));
    }

    [Fact]
    public void Submit_WhatCannotBeACommand_Throws()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        Assert.True(harness.Driver.Pool.TryAllocate(8192, out nint buffer));
        BlockCommand[] commands =
        [
            Command(BlockOperation.Read, 0, 0, buffer),
            Command(BlockOperation.Read, 0, 65, buffer),
            Command(BlockOperation.Read, 0, 1, buffer + 2),
            Command(BlockOperation.Read, 0, 1, 4096),
            Command(BlockOperation.Write, 0, 1, harness.Driver.Pool.Start + harness.Driver.Pool.Bytes - 2048),
            Command(BlockOperation.Read, 0, 1, buffer) with { NamespaceId = 2 },
            Command(BlockOperation.WriteZeroes, 0, 65537, 0),
        ];
        foreach (BlockCommand command in commands)
        {
            Assert.Throws<ArgumentException>(() => harness.Driver.TrySubmit(command, harness.Now));
        }

        Assert.Equal(0, harness.Driver.CommandsUnderWay);
    }

    [Fact]
    public void Submit_QueueFull_IsTurnedDownUntilCompletions()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(new NvmeDriverOptions { QueueEntries = 32, PoolBytes = 8 << 20 });
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        int accepted = 0;
        while (harness.Driver.TrySubmit(Command(BlockOperation.Read, 0, 1, buffer), harness.Now))
        {
            accepted++;
        }

        Assert.Equal(31, accepted);
        harness.Run();
        Assert.Equal(31, harness.Client.Completions);
        Assert.True(harness.Driver.TrySubmit(Command(BlockOperation.Read, 0, 1, buffer), harness.Now));
        harness.Run();
    }

    [Fact]
    public void Commands_OfOneRound_LeaveInOneFrame()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        long before = harness.ToFunction.FramesDelivered;
        for (int i = 0; i < 64; i++)
        {
            Assert.True(harness.Driver.TrySubmit(Command(BlockOperation.Read, (ulong)i, 1, buffer), harness.Now));
        }

        harness.Run();
        Assert.Equal(64, harness.Client.Completions);
        Assert.Equal(1, harness.ToFunction.FramesDelivered - before);
    }

    [Fact]
    public void Shutdown_Ready_TellsTheControllerAndLetsGo()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        Assert.Throws<InvalidOperationException>(harness.Driver.Dispose);
        harness.Driver.BeginShutdown(harness.Now);
        harness.Advance(100);
        Assert.Equal([BlockDriverState.Ready, BlockDriverState.ShuttingDown, BlockDriverState.Stopped], harness.Client.States);
        Assert.Equal(0, harness.Port.MappedRanges);

        using NvmeBlockDriver next = new(harness.Port, new CountingClient(), new NvmeDriverOptions { PoolBytes = 16 << 20 });
        next.Start(harness.Now);
        for (int round = 0; round < 1000; round++)
        {
            harness.Now += 200_000;
            next.Pump(harness.Now);
            harness.Run();
        }

        Assert.Equal(BlockDriverState.Ready, next.State);
        harness.Port.OnFunctionRemoved(harness.Now);
    }

    internal static BlockCommand Command(BlockOperation operation, ulong lba, uint blocks, nint buffer) => new()
    {
        Operation = operation,
        NamespaceId = 1,
        Lba = lba,
        Blocks = blocks,
        Buffer = buffer,
    };

    private static int RoundTripsOfOneWrite(int writeDataBytes, int memoryBufferBytes)
    {
        NvmeDriverOptions options = new() { PoolBytes = 16 << 20, WriteDataInControllerMemoryBytes = writeDataBytes };
        using BlockDriverHarness harness = BlockDriverHarness.Ready(options, memoryBufferBytes);
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        Assert.True(harness.Driver.TrySubmit(Command(BlockOperation.Write, 7, 1, buffer), harness.Now));
        int trips = 0;
        while (harness.Client.Completions == 0)
        {
            harness.Driver.Pump(harness.Now);
            harness.Port.Pump(harness.Now);
            harness.ToFunction.Deliver(harness.Bridge, harness.Now);
            harness.Bridge.OnTimer(harness.Now);
            harness.Bridge.Pump(harness.Now);
            harness.ToHost.Deliver(harness.Port, harness.Now);
            harness.Driver.Pump(harness.Now);
            trips++;
            Assert.True(trips < 10);
        }

        return trips;
    }
}
