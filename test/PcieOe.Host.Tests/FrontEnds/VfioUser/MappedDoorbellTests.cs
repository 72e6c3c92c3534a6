using PcieOe.Host.Interop;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Tlp;
using PcieOe.Transport.Hops;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed unsafe class MappedDoorbellTests
{
    [Fact]
    public void Doorbells_WrittenToThePage_ArePassedOnWithoutAMessage()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);
        long messages = harness.FrontEnd.Counters.Messages;
        var doorbells = (uint*)page.Pointer;

        doorbells[0] = 5;
        doorbells[9] = 0;
        doorbells[3] = 7;
        Assert.True(harness.FrontEnd.Poll(harness.Now));
        Assert.False(harness.FrontEnd.Poll(harness.Now));

        Assert.Equal([(0x1000ul, 5u), (0x100Cul, 7u), (0x1024ul, 0u)], Writes(harness));
        Assert.Equal((messages, 3), (harness.FrontEnd.Counters.Messages, harness.FrontEnd.Counters.MappedDoorbells));
        Assert.True(harness.FrontEnd.MustKeepLooking);
    }

    [Fact]
    public void Doorbells_OneInSoMany_AreMarkedAndEndWithTheReport()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);
        harness.Hops.Every = 2;
        for (uint ring = 0; ring < 9; ring++)
        {
            harness.Now += 100;
            *(uint*)page.Pointer = ring;
            harness.FrontEnd.Poll(harness.Now);
            harness.Hops.OnLeaving((uint)harness.Function.Marks.Count);
        }

        // Every third: of two doorbells that take turns neither is passed over for ever.
        Assert.Equal([(1u, 0), (2u, 3), (3u, 6)], harness.Function.Marks);
        Assert.Equal(9, harness.Function.Writes.Count);
        harness.Now += 1000;
        byte[] report = new byte[HopReport.WrittenLength];
        for (uint name = 1; name <= 3; name++)
        {
            new HopReport { Name = name, ArrivedAt = harness.Now, DataBytes = 4096, LeftName = name - 1, LeftAt = harness.Now }.Write(report, default);
            Assert.True(TlpView.TryParse(report, out TlpView message));
            harness.Hops.OnMessage(message, frameNumber: 1, harness.Now);
        }

        // What left with the last completion is told with the next one.
        using HopHistograms hops = harness.Hops.Recorder.Totals.Merge();
        Assert.Equal(2, hops.Count);
        Assert.Equal(0, hops.ResidualMicroseconds);
    }

    /// <summary>After a reset of the device the first value written is often the last one from before.</summary>
    [Fact]
    public void SameValueTwice_IsPassedOnTwice()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);
        for (int i = 0; i < 3; i++)
        {
            *(uint*)page.Pointer = 1;
            Assert.True(harness.FrontEnd.Poll(harness.Now));
        }

        Assert.Equal([(0x1000ul, 1u), (0x1000ul, 1u), (0x1000ul, 1u)], Writes(harness));
    }

    [Fact]
    public void DoorbellWithoutRoom_IsPassedOnLaterUnlessANewerOneCame()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);
        var doorbells = (uint*)page.Pointer;
        harness.Function.HasNoRoom = true;
        doorbells[1] = 10;
        doorbells[2] = 20;
        harness.FrontEnd.Poll(harness.Now);
        Assert.Empty(harness.Function.Writes);

        doorbells[2] = 21;
        harness.Function.HasNoRoom = false;
        harness.FrontEnd.Poll(harness.Now);

        Assert.Equal([(0x1004ul, 10u), (0x1008ul, 21u)], Writes(harness));
    }

    /// <summary>The client writes a doorbell, then a register by message: the function sees them in this order, whatever the thread's luck.</summary>
    [Fact]
    public void DoorbellBeforeAMessage_IsPassedOnBeforeIt()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);

        *(uint*)page.Pointer = 3;
        Assert.False(harness.Ask(client, Message(5, 10, 0x14ul, 0u, 4u, 0u)).IsError);
        *(uint*)page.Pointer = 4;
        harness.FrontEnd.Poll(harness.Now);

        Assert.Equal([(0x1000ul, 3u), (0x14ul, 0u), (0x1000ul, 4u)], Writes(harness));
    }

    [Fact]
    public void TrappedDoorbell_OfAClientThatCouldMapIt_IsPassedOnAndCounted()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();

        Assert.False(harness.Ask(client, Message(5, 10, 0x1008ul, 0u, 4u, 9u)).IsError);

        Assert.Equal([(0x1008ul, 9u)], Writes(harness));
        Assert.Equal((1, 0), (harness.FrontEnd.Counters.TrappedDoorbells, harness.FrontEnd.Counters.MappedDoorbells));
    }

    [Fact]
    public void NextClient_IsNotHeldToWhatTheOneBeforeRang()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        NativeMemoryRange page;
        using (TestClient client = harness.ConnectAndNegotiate())
        {
            page = MapDoorbells(harness, client);
        }

        harness.PumpUntil(() => harness.Function.Detachments == 1, "the detachment");
        Assert.False(harness.FrontEnd.MustKeepLooking);
        *(uint*)page.Pointer = 5; // by a process that still has the page
        harness.ExpectNextClientIsServed();
        Assert.Empty(harness.Function.Writes);
        page.Dispose();
    }

    [Fact]
    public void ClientThatWouldCutThePageShort_CannotDoSo()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        int descriptor = Assert.Single(harness.Ask(client, Message(9, 5, 64u, 0u, 0u, 0u, 0ul, 0ul)).Descriptors);

        Assert.Equal(-1, LibC.Truncate(descriptor, 0));

        Descriptors.Close(descriptor);
        Assert.False(harness.FrontEnd.Poll(harness.Now));
    }

    [Fact]
    public void WithoutTheSetting_NothingIsMapped()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Assert.Empty(harness.Ask(client, Message(9, 5, 64u, 0u, 0u, 0u, 0ul, 0ul)).Descriptors);
        Assert.False(harness.FrontEnd.MustKeepLooking);
    }

    [Fact]
    public void Doorbells_InSteadyState_AllocateNothing()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        using NativeMemoryRange page = MapDoorbells(harness, client);
        harness.Function.RecordsWrites = false;
        var doorbells = (uint*)page.Pointer;
        Ring(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Ring(10_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Ring(uint count)
        {
            for (uint i = 0; i < count; i++)
            {
                doorbells[i % FakeFunction.DoorbellCount] = i;
                harness.FrontEnd.Poll(harness.Now);
            }
        }
    }

    private static NativeMemoryRange MapDoorbells(FrontEndHarness harness, TestClient client)
    {
        Reply reply = harness.Ask(client, Message(9, 5, 64u, 0u, 0u, 0u, 0ul, 0ul));
        int descriptor = Assert.Single(reply.Descriptors);
        NativeMemoryRange? page = NativeMemoryRange.TryMapFile(descriptor, reply.UInt64(24) + reply.UInt64(48), reply.UInt64(56), isWritable: true, out _);
        Descriptors.Close(descriptor);
        return page ?? throw new InvalidOperationException("The page cannot be mapped.");
    }

    private static IEnumerable<(ulong, uint)> Writes(FrontEndHarness harness) =>
        harness.Function.Writes.Select(static write => (write.Offset, BitConverter.ToUInt32(write.Data)));
}
