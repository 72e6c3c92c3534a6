using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

public sealed class RecoveryTests
{
    private static readonly NvmeDriverOptions Options = new() { QueuePairs = 2, QueueEntries = 150, PoolBytes = 96 << 20 };

    [Fact]
    public void Outage_UnderLoad_NothingIsLostOrFails()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        using VerifiedLoad load = new(harness, depth: 256, seed: 1);
        for (int outage = 0; outage < 20; outage++)
        {
            Mix(harness, load, 100);
            harness.CutCable();
            load.Fill(100);
            harness.Advance(12_000);
            Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
            harness.Resume();
        }

        load.Finish();
        Assert.Equal(0, harness.Client.Errors);
        Assert.Equal(0, harness.Driver.Counters.ControllerResets);
    }

    [Fact]
    public void NewSession_StateLostUnderLoad_CommandsAreIssuedAgain()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        using VerifiedLoad load = new(harness, depth: 256, seed: 2);
        for (int session = 0; session < 20; session++)
        {
            Mix(harness, load, 100);
            Assert.True(load.UnderWay > 0);
            harness.CutCable();
            harness.Advance(300);
            harness.Port.OnSessionLost(harness.Now);
            harness.Advance(1000);
            Assert.Equal(RemoteFunctionState.Outage, harness.Port.State);
            long before = harness.Now;
            harness.Connect(FunctionResetKind.StateLost);
            harness.Advance(5);
            Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
            Assert.True(harness.Now - before < 50 * BlockDriverHarness.Millisecond);
        }

        load.Finish();
        Assert.Equal(0, harness.Client.Errors);
        Assert.Equal(20, harness.Driver.Counters.ControllerResets);
        Assert.True(harness.Driver.Counters.Reissued > 0);
        Assert.Equal(0, harness.Driver.Counters.UnknownCompletions);
    }

    [Fact]
    public void NewSession_AtAnyPointOfBringUp_EndsReady()
    {
        for (int rounds = 0; rounds < 40; rounds++)
        {
            using BlockDriverHarness harness = new(Options);
            harness.Driver.Start(harness.Now);
            harness.Bridge.Open(harness.ToHost, FunctionResetKind.Conventional, harness.Now);
            harness.Port.OnSessionEstablished(harness.ToFunction, isResumed: false, harness.Now);
            for (int round = 0; round < rounds; round++)
            {
                harness.Round();
            }

            harness.Connect(FunctionResetKind.StateLost);
            harness.Advance(20);
            Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
            harness.CutCable();
            harness.Port.OnSessionLost(harness.Now);
            harness.Connect(FunctionResetKind.StateLost);
            harness.Advance(20);
            Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
        }
    }

    [Fact]
    public void Command_NeverEnds_IsAbortedThenTheControllerReset()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        harness.Admission.IsHolding = true;
        Assert.True(harness.Driver.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 1, 1, buffer), harness.Now));
        harness.Advance(9_900);
        Assert.Equal(0, harness.Driver.Counters.Timeouts);
        harness.Advance(200);
        Assert.Equal(1, harness.Driver.Counters.Aborts);
        harness.Admission.IsHolding = false;
        harness.Advance(6_000);
        Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
        Assert.Equal(1, harness.Client.Completions);
        Assert.Equal(0, harness.Driver.CommandsUnderWay);
    }

    [Fact]
    public void Controller_FatalUnderLoad_IsNoticedWithinASecondAndRecovers()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options, memoryBufferBytes: 0);
        using VerifiedLoad load = new(harness, depth: 64, seed: 3);

        // An entry that cannot be fetched is fatal for a controller.
        harness.Port.UnmapAll();
        load.Fill(64);
        harness.Run();
        harness.Port.Map(DmaPool.BusBase, (ulong)harness.Driver.Pool.Bytes, harness.Driver.Pool.Start, DmaAccess.ReadWrite);
        Assert.True(load.UnderWay > 0);
        harness.Advance(1_000);
        load.Finish();
        Assert.Equal(1, harness.Driver.Counters.ControllerResets);
        Assert.Equal(0, harness.Client.Errors);
    }

    [Fact]
    public void Function_LosesItsConfiguration_IsResetAndRecovers()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        using VerifiedLoad load = new(harness, depth: 64, seed: 3);
        harness.Fail();
        load.Fill(64);
        harness.Advance(3_000);
        load.Finish();
        Assert.Equal(0, harness.Client.Errors);
        Assert.True(harness.Port.Counters.Resets > 0);
    }

    [Fact]
    public void Function_TakenAway_EndsEveryCommand()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        using VerifiedLoad load = new(harness, depth: 64, seed: 4);
        load.Fill(64);
        int underWay = load.UnderWay;
        harness.Port.OnFunctionRemoved(harness.Now);
        Assert.Equal(BlockDriverState.Gone, harness.Driver.State);
        Assert.Equal(underWay, harness.Client.Errors);
        Assert.Equal(NvmeStatus.CommandAbortedByHost, harness.Client.LastStatus);
        Assert.False(harness.Driver.TrySubmit(default, harness.Now));
    }

    [Fact]
    public void Shutdown_UnderLoad_EndsEveryCommandAndStops()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        using VerifiedLoad load = new(harness, depth: 64, seed: 4);
        load.Fill(64);
        harness.Driver.BeginShutdown(harness.Now);
        harness.Advance(5_100);
        Assert.Equal(BlockDriverState.Stopped, harness.Driver.State);
        Assert.Equal(0, load.UnderWay);
    }

    [Fact]
    public void Shutdown_InAnOutage_StopsAfterItsTime()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(Options);
        harness.CutCable();
        harness.Driver.BeginShutdown(harness.Now);
        harness.Advance(5_100);
        Assert.Equal(BlockDriverState.Stopped, harness.Driver.State);
    }

    private static void Mix(BlockDriverHarness harness, VerifiedLoad load, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            load.Fill(20);
            harness.Round();
        }
    }
}
