using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

/// <summary>A function that breaks the rules: refused, counted, answered, and never able to touch what is not its own.</summary>
public sealed unsafe class HostileFunctionTests
{
    private const ulong Base = 0x20_0000;
    private const int Guard = 4096;

    private readonly byte[] _memory = GC.AllocateArray<byte>(3 * Guard, pinned: true);

    private nint Window => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _memory[Guard]);

    [Theory]
    [InlineData(Base - 4, 4)]
    [InlineData(Base - 4, 8)]
    [InlineData(Base + 4096 - 4, 8)]
    [InlineData(Base + 4096, 4)]
    [InlineData(0UL, 4)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFCUL, 4)]
    public void Dma_OutsideTheWindow_IsRefusedAndCounted(ulong address, int length)
    {
        using RootPortHarness harness = Mapped();
        if ((address & 0xFFF) + (ulong)length <= 4096)
        {
            harness.Function.DmaRead(address, length, 300);
        }

        byte[] data = new byte[length];
        data.AsSpan().Fill(0x66);
        harness.Function.DmaWrite(address, data);
        harness.Run();
        Assert.DoesNotContain((byte)0x66, _memory);
        Assert.Equal(1, harness.Port.Counters.DmaWritesRefused + harness.Port.Counters.TlpsMalformed);
        Assert.All(harness.Function.Completions, tlp => Assert.Equal(CompletionStatus.UnsupportedRequest, StatusOf(tlp)));
        Assert.Equal(harness.Function.Completions.Count, harness.Port.Counters.DmaReadsRefused);
    }

    [Fact]
    public void Dma_AgainstTheAccessGiven_IsRefused()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.Map(Base, 4096, Window, DmaAccess.Read);
        harness.Port.Map(Base + 4096, 4096, Window, DmaAccess.Write);
        harness.Function.DmaWrite(Base, [1, 2, 3, 4]);
        harness.Function.DmaRead(Base + 4096, 4, 300);
        harness.Run();
        Assert.Equal(0, _memory[Guard]);
        Assert.Equal(1, harness.Port.Counters.DmaWritesRefused);
        Assert.Equal(1, harness.Port.Counters.DmaReadsRefused);
    }

    [Fact]
    public void Completion_NobodyAskedFor_IsCounted()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryReadRegion(0, 0x10, 4, 1, harness.Now);
        harness.Function.IsSilent = true;
        harness.Run();
        byte[] request = harness.Function.Reads[0];
        harness.Function.Complete(request, [1, 2, 3, 4], tag: 200);
        harness.Function.Complete(request, [1, 2, 3, 4], tag: 900);
        harness.Run();
        Assert.Equal(2, harness.Port.Counters.CompletionsUnexpected);
        Assert.Empty(harness.Client.Reads);
        harness.Function.Complete(request, [1, 2, 3, 4]);
        harness.Function.Complete(request, [5, 6, 7, 8]);
        harness.Run();
        Assert.Equal([1, 2, 3, 4], Assert.Single(harness.Client.Reads).Data);
        Assert.Equal(3, harness.Port.Counters.CompletionsUnexpected);
    }

    [Theory]
    [InlineData(64, 4096, 0)]
    [InlineData(64, 4, 0)]
    [InlineData(64, 64, 4)]
    [InlineData(128, 64, 0)]
    [InlineData(4096, 64, 0)]
    [InlineData(60, 64, 0)]
    [InlineData(0, 64, 0)]
    public void Completion_LiesAboutItsBytes_HarmsNothing(int dataBytes, int byteCount, byte lowerAddress)
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryReadRegion(2, 0, 64, 1, harness.Now);
        harness.Port.TryReadRegion(2, 4096, 64, 2, harness.Now);
        harness.Function.IsSilent = true;
        harness.Run();
        byte[] data = new byte[dataBytes];
        data.AsSpan().Fill(0x77);
        harness.Function.Complete(harness.Function.Reads[0], data, byteCount, lowerAddress);
        harness.Run();
        Assert.Equal(1, harness.Port.Counters.CompletionsMalformed);
        (ulong context, RegionReadStatus status, byte[] read) = Assert.Single(harness.Client.Reads);
        Assert.Equal((1UL, RegionReadStatus.Substituted), (context, status));
        Assert.DoesNotContain((byte)0x77, read);

        byte[] good = new byte[64];
        good.AsSpan().Fill(0x11);
        harness.Function.Complete(harness.Function.Reads[1], good);
        harness.Run();
        Assert.Equal(good, harness.Client.Reads[1].Data);
    }

    [Fact]
    public void Reads_NeverAnswered_AreAnsweredFromTheDescriptionForEver()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Function.IsSilent = true;
        int answered = 0;
        for (int round = 0; round < 12; round++)
        {
            for (int i = 0; i < 64; i++)
            {
                Assert.True(harness.Port.TryReadRegion(0, FakeFunction.StatusOffset, 4, 9, harness.Now));
            }

            harness.Advance(1000);
            answered += 64;
            Assert.Equal(answered, harness.Client.Reads.Count);
        }

        Assert.All(harness.Client.Reads, read => Assert.Equal(RegionReadStatus.Substituted, read.Status));
        Assert.All(harness.Client.Reads, read => Assert.Equal([2, 0, 0, 0], read.Data));
        Assert.Equal(answered, harness.Port.Counters.CompletionTimeouts);

        // By now no tag is left for reads. A reset brings them back.
        harness.Function.IsSilent = false;
        harness.Port.StartReset(harness.Now);
        harness.Run();
        Assert.Equal([true], harness.Client.Resets);
        harness.Client.Reads.Clear();
        Assert.True(harness.Port.TryReadRegion(0, 0x10, 4, 9, harness.Now));
        harness.Run();
        Assert.Equal(RegionReadStatus.Success, Assert.Single(harness.Client.Reads).Status);
    }

    [Fact]
    public void Reset_AfterUnansweredReads_FreesTheirTags()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        for (int round = 0; round < 10; round++)
        {
            harness.Function.IsSilent = true;
            for (int i = 0; i < 60; i++)
            {
                Assert.True(harness.Port.TryReadRegion(0, 0x10, 4, 1, harness.Now));
            }

            harness.Advance(1000);
            harness.Function.IsSilent = false;
            harness.Port.StartReset(harness.Now);
            harness.Run();
            Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        }
    }

    [Fact]
    public void Completion_AfterItsTimeout_IsNotTakenForAnotherRead()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Function.IsSilent = true;
        harness.Port.TryReadRegion(0, 0x10, 4, 1, harness.Now);
        harness.Advance(1000);
        Assert.Single(harness.Client.Reads);
        harness.Function.IsSilent = false;
        for (int i = 0; i < 1000; i++)
        {
            harness.Port.TryReadRegion(0, 0x10, 4, 2, harness.Now);
            harness.Run();
        }

        harness.Function.Complete(harness.Function.Reads[0], [9, 9, 9, 9]);
        harness.Port.TryReadRegion(0, 0x10, 4, 3, harness.Now);
        harness.Run();
        Assert.All(harness.Client.Reads, read => Assert.Equal([0, 0, 0, 0], read.Data));
        Assert.Equal(1, harness.Port.Counters.CompletionsLate);
    }

    [Fact]
    public void Interrupt_OfNoVector_IsCounted()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Function.DmaWrite(MsixTable.MessageAddress, [FakeFunction.Vectors, 0, 0, 0]);
        harness.Function.DmaWrite(MsixTable.MessageAddress, [0, 0, 0, 0x80]);
        harness.Function.DmaWrite(MsixTable.MessageAddress, [0, 0]);
        harness.Function.DmaWrite(MsixTable.MessageAddress + 4, [0, 0, 0, 0]);
        harness.Function.DmaWrite(MsixTable.MessageAddress, [0, 0, 0, 0, 0, 0, 0, 0]);
        harness.Run();
        Assert.Empty(harness.Client.Interrupts);
        Assert.Equal(5, harness.Port.Counters.InterruptsUnknown);
    }

    [Fact]
    public void Requests_ThatNobodyClaims_AreAnsweredUnsupported()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        byte[] tlp = new byte[16];
        new IoRequestHeader
        {
            IsWrite = false,
            Address = 0x3F8,
            RequesterId = new RoutingId(1, 0, 0),
            Tag = 7,
            ByteEnables = 0xF,
        }.Write(tlp);
        harness.Function.Send(tlp.AsSpan(0, 12));
        new ConfigRequestHeader
        {
            IsWrite = false,
            DestinationId = new RoutingId(0, 0, 0),
            RegisterOffset = 0,
            RequesterId = new RoutingId(1, 0, 0),
            Tag = 8,
            ByteEnables = 0xF,
        }.Write(tlp);
        harness.Function.Send(tlp.AsSpan(0, 12));
        new MemoryRequestHeader
        {
            Operation = MemoryOperation.FetchAdd,
            Address = Base,
            LengthDoublewords = 1,
            RequesterId = new RoutingId(1, 0, 0),
            Tag = 9,
        }.Write(tlp);
        harness.Function.Send(tlp);
        harness.Run();
        Assert.Equal(3, harness.Port.Counters.UnsupportedRequests);
        Assert.All(harness.Function.Completions, answer => Assert.Equal(CompletionStatus.UnsupportedRequest, StatusOf(answer)));
        Assert.Equal(3, harness.Function.Completions.Count);
    }

    [Fact]
    public void Write_Poisoned_IsDropped()
    {
        using RootPortHarness harness = Mapped();
        byte[] tlp = new byte[16];
        (MemoryRequestHeader.Write(Base, 4, new RoutingId(1, 0, 0)) with { IsPoisoned = true }).Write(tlp);
        tlp.AsSpan(12).Fill(0x55);
        harness.Function.Send(tlp);
        harness.Run();
        Assert.Equal(0, _memory[Guard]);
        Assert.Equal(1, harness.Port.Counters.TlpsPoisoned);
    }

    [Fact]
    public void Reads_MoreThanThereAreTags_AreDroppedWithoutHarm()
    {
        using RootPortHarness harness = Mapped();
        harness.ToFunction.WindowFrames = 0;
        for (int i = 0; i < 3000; i++)
        {
            harness.Function.DmaRead(Base, 4096, (ushort)(i % 1024));
        }

        harness.Run();
        Assert.Equal(DmaResponder.MaximumReads, harness.Port.WaitingDmaReads);
        Assert.Equal(3000 - DmaResponder.MaximumReads, harness.Port.Counters.DmaReadsDropped);
    }

    [Fact]
    public void Garbage_RandomBytesAndMutatedTlps_NeverThrowsOrLeaksOut()
    {
        using RootPortHarness harness = Mapped();
        harness.Function.RecordsTraffic = false;
        int rounds = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "soak" ? 1_000_000 : 50_000;
        Random random = new(42);
        byte[] bytes = new byte[512];
        for (int round = 0; round < rounds; round++)
        {
            int length = random.Next(1, bytes.Length / 4) * 4;
            random.NextBytes(bytes.AsSpan(0, length));
            if (random.Next(4) != 0)
            {
                // A header that has a chance: a known type, a short length.
                byte[] types = [0x00, 0x20, 0x40, 0x60, 0x0A, 0x4A, 0x04, 0x44, 0x34, 0x74, 0x4C];
                bytes[0] = types[random.Next(types.Length)];
                bytes[1] = bytes[2] = 0;
                bytes[3] = (byte)random.Next(1, 32);
            }

            harness.Port.OnTlps(bytes.AsSpan(0, length), 1, harness.Now);
            if (round % 64 == 0)
            {
                harness.Port.TryReadRegion(0, 0x10, 4, 1, harness.Now);
                harness.Port.Pump(harness.Now);
                harness.ToFunction.Clear();
            }
        }

        Assert.All(_memory[..Guard], value => Assert.Equal(0, value));
        Assert.All(_memory[(2 * Guard)..], value => Assert.Equal(0, value));
        harness.Replace();
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
    }

    private RootPortHarness Mapped()
    {
        RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(DmaMapResult.Success, harness.Port.Map(Base, 4096, Window, DmaAccess.ReadWrite));
        return harness;
    }

    private static CompletionStatus StatusOf(byte[] tlp)
    {
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        Assert.True(view.Type.IsCompletion);
        return view.CompletionStatus;
    }
}
