using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed unsafe class DmaTests
{
    private const ulong Base = 0x20_0000;
    private const int Bytes = 0x1_0000;

    private readonly byte[] _memory = GC.AllocateArray<byte>(Bytes, pinned: true);

    private nint Pointer => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _memory[0]);

    [Theory]
    [InlineData(8900)]
    [InlineData(4200)]
    [InlineData(1440)]
    [InlineData(300)]
    public void Read_AnyPlaceAndLength_IsAnsweredByTheRules(int frameBytes)
    {
        using RootPortHarness harness = Mapped(frameBytes);
        int payload = harness.Port.GetBar(0).Exists ? 128 << (int)(harness.Function.Config(FakeFunction.Pcie + 8) >> 5 & 7) : 0;
        Random random = new(5);
        random.NextBytes(_memory);
        for (int trial = 0; trial < 300; trial++)
        {
            int start = random.Next(4096);
            int length = trial == 0 ? 4096 - start : random.Next(1, 4096 - start + 1);
            ulong address = Base + (ulong)(random.Next(16) * 4096 + start);
            harness.Function.Completions.Clear();
            harness.Function.DmaRead(address, length, (ushort)(256 + trial));
            harness.Run();
            Assert.Equal(_memory.AsSpan((int)(address - Base), length).ToArray(), Reassemble(harness.Function.Completions, address, length, (ushort)(256 + trial), payload));
        }
    }

    [Fact]
    public void Reads_ManyAtOnce_AreAllAnsweredThoughTheWindowIsSmall()
    {
        using RootPortHarness harness = Mapped(8900, windowFrames: 2);
        new Random(6).NextBytes(_memory);
        for (ushort tag = 0; tag < 512; tag++)
        {
            harness.Function.DmaRead(Base + (ulong)(tag % 16 * 4096), 4096, (ushort)(256 + tag));
        }

        harness.Run();
        for (ushort tag = 0; tag < 512; tag++)
        {
            List<byte[]> own = [.. harness.Function.Completions.Where(tlp => TagOf(tlp) == 256 + tag)];
            Assert.Equal(_memory.AsSpan(tag % 16 * 4096, 4096).ToArray(), Reassemble(own, Base + (ulong)(tag % 16 * 4096), 4096, (ushort)(256 + tag), 4096));
        }
    }

    [Fact]
    public void Reads_Long_FillTheirFrames()
    {
        using RootPortHarness harness = Mapped(8900);
        long before = harness.ToFunction.FramesDelivered;
        for (ushort tag = 0; tag < 32; tag++)
        {
            harness.Function.DmaRead(Base + (ulong)(tag % 16 * 4096), 4096, (ushort)(256 + tag));
        }

        harness.Run();
        Assert.InRange(harness.ToFunction.FramesDelivered - before, 15, 16);
    }

    [Fact]
    public void ZeroLengthRead_Mapped_IsAnsweredWithOneDoubleword()
    {
        using RootPortHarness harness = Mapped();
        harness.Function.DmaRead(Base + 64, 0, 300);
        harness.Run();
        Assert.True(TlpView.TryParse(Assert.Single(harness.Function.Completions), out TlpView tlp));
        Assert.Equal((TlpType.CompletionWithData, 1, 1), (tlp.Type, tlp.LengthDoublewords, tlp.ByteCount));
    }

    [Fact]
    public void Write_AnyPlaceAndLength_ReachesMemoryAlone()
    {
        using RootPortHarness harness = Mapped();
        byte[] expected = new byte[Bytes];
        Random random = new(8);
        for (int trial = 0; trial < 500; trial++)
        {
            int start = random.Next(4096);
            byte[] data = new byte[random.Next(1, Math.Min(4096 - start, 4092) + 1)];
            random.NextBytes(data);
            int offset = random.Next(16) * 4096 + start;
            data.CopyTo(expected, offset);
            harness.Function.DmaWrite(Base + (ulong)offset, data);
            harness.Run();
        }

        Assert.Equal(expected, _memory);
    }

    [Fact]
    public void Write_ByteEnablesWithHoles_LeavesTheHoles()
    {
        using RootPortHarness harness = Mapped();
        byte[] tlp = new byte[12 + 8];
        new MemoryRequestHeader
        {
            Operation = MemoryOperation.Write,
            Address = Base + 8,
            LengthDoublewords = 2,
            RequesterId = new RoutingId(1, 0, 0),
            ByteEnables = new ByteEnables(0b1010, 0b0101),
        }.Write(tlp);
        tlp.AsSpan(12).Fill(0xEE);
        harness.Function.Send(tlp);
        harness.Run();
        Assert.Equal([0, 0xEE, 0, 0xEE, 0xEE, 0, 0xEE, 0], _memory.AsSpan(8, 8).ToArray());
    }

    [Fact]
    public void Interrupt_BehindData_ComesAfterIt()
    {
        using RootPortHarness harness = Mapped();
        harness.Function.DmaWrite(Base, [1, 2, 3, 4]);
        harness.Function.Interrupt(3);
        harness.Run();
        Assert.Equal([3], harness.Client.Interrupts);
        Assert.Equal([1, 2, 3, 4], _memory.AsSpan(0, 4).ToArray());
    }

    [Fact]
    public void Completion_PostedWriteBefore_StaysBehindIt()
    {
        using RootPortHarness harness = Mapped(frameBytes: 300, windowFrames: 1);
        Assert.True(harness.Port.TryWriteRegion(2, 0, new byte[2048], harness.Now));
        harness.Function.DmaRead(Base, 4, 300);
        harness.ToHost.Deliver(harness.Port, harness.Now);
        int writesBefore = -1;
        while (harness.Function.Completions.Count == 0)
        {
            writesBefore = harness.Function.Writes.Count;
            harness.Port.Pump(harness.Now);
            harness.ToFunction.Deliver(harness.Function, harness.Now);
        }

        Assert.Equal(2048, harness.Function.Writes.Sum(write => write.Data.Length));
        Assert.True(writesBefore > 0);
    }

    [Fact]
    public void Unmap_ReadWaitsForRoom_IsRefused()
    {
        using RootPortHarness harness = Mapped();
        harness.ToFunction.WindowFrames = 0;
        harness.Function.DmaRead(Base, 4096, 300);
        harness.Run();
        Assert.Equal(1, harness.Port.WaitingDmaReads);
        Assert.Equal(DmaMapResult.Success, harness.Port.Unmap(Base, Bytes));
        harness.ToFunction.WindowFrames = 64;
        harness.Run();
        Assert.True(TlpView.TryParse(Assert.Single(harness.Function.Completions), out TlpView tlp));
        Assert.Equal(CompletionStatus.UnsupportedRequest, tlp.CompletionStatus);
        Assert.Equal(1, harness.Port.Counters.DmaReadsRefused);
    }

    [Fact]
    public void BusMasterOff_AnyRequest_IsRefused()
    {
        using RootPortHarness harness = Mapped();
        harness.Port.TryWriteConfig(4, 2, 3, harness.Now);
        harness.Function.DmaWrite(Base, [1, 2, 3, 4]);
        harness.Function.DmaRead(Base, 4, 300);
        harness.Run();
        Assert.Equal(0, _memory[0]);
        Assert.Equal(1, harness.Port.Counters.DmaWritesRefused);
        Assert.True(TlpView.TryParse(Assert.Single(harness.Function.Completions), out TlpView tlp));
        Assert.Equal(CompletionStatus.UnsupportedRequest, tlp.CompletionStatus);
    }

    [Theory]
    [InlineData(0xFFFF_FFFF_FEE0_0000UL, 4096UL)]
    [InlineData(0xFFFF_FFFF_0000_0000UL, 0xFFFF_FFFFUL)]
    public void Map_OverTheInterruptAddresses_IsInvalid(ulong address, ulong length)
    {
        using RootPortHarness harness = Mapped();
        Assert.Equal(DmaMapResult.InvalidRange, harness.Port.Map(address, length, Pointer, DmaAccess.ReadWrite));
    }

    private RootPortHarness Mapped(int frameBytes = 8900, int windowFrames = 64)
    {
        RootPortHarness harness = RootPortHarness.Up(frameBytes: frameBytes, windowFrames: windowFrames);
        Assert.Equal(DmaMapResult.Success, harness.Port.Map(Base, Bytes, Pointer, DmaAccess.ReadWrite));
        return harness;
    }

    private static ushort TagOf(byte[] tlp)
    {
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        return view.Tag;
    }

    private static byte[] Reassemble(List<byte[]> completions, ulong address, int length, ushort tag, int maximumPayloadBytes)
    {
        byte[] data = new byte[length];
        ReadReassembly reassembly = new(address, length);
        for (int index = 0; index < completions.Count; index++)
        {
            Assert.True(TlpView.TryParse(completions[index], out TlpView tlp));
            Assert.Equal(TlpDefect.None, TlpRules.Check(tlp, maximumPayloadBytes));
            Assert.Equal(tag, tlp.Tag);
            ReassemblyResult expected = index == completions.Count - 1 ? ReassemblyResult.Last : ReassemblyResult.Piece;
            Assert.Equal(expected, reassembly.Accept(tlp, out int offset, out ReadOnlySpan<byte> piece));
            piece.CopyTo(data.AsSpan(offset));
        }

        return data;
    }
}
