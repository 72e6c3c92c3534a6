using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed class ClientMemoryTests
{
    private const ulong Base = 0x40_0000;

    [Fact]
    public void Read_AnsweredLater_IsCompletedThen()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        harness.Function.DmaRead(Base + 0x123, 300, 400);
        harness.Run();
        Assert.Empty(harness.Function.Completions);
        (ulong address, int length, DmaReadTicket ticket) = Assert.Single(memory.Asked);
        Assert.Equal((Base + 0x123, 300), (address, length));
        byte[] data = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];
        harness.Port.CompleteDmaRead(ticket, data, harness.Now);
        harness.Port.CompleteDmaRead(ticket, data, harness.Now);
        harness.Run();
        Assert.True(TlpView.TryParse(Assert.Single(harness.Function.Completions), out TlpView tlp));
        Assert.Equal(data, tlp.Payload.Slice(3, 300).ToArray());
    }

    [Fact]
    public void Read_AnsweredWithinTheCall_IsCompleted()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        memory.OnAsked = ticket => harness.Port.CompleteDmaRead(ticket, new byte[4096], harness.Now);
        for (ushort tag = 0; tag < 100; tag++)
        {
            harness.Function.DmaRead(Base, 4096, (ushort)(256 + tag));
            harness.Run();
        }

        Assert.Equal(100, harness.Function.Completions.Count);
        Assert.Equal(0, harness.Port.Counters.DmaReadsAborted);
    }

    [Fact]
    public void Read_WrongLengthOrNoAnswer_IsAborted()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        harness.Function.DmaRead(Base, 64, 300);
        harness.Function.DmaRead(Base, 64, 301);
        harness.Run();
        harness.Port.CompleteDmaRead(memory.Asked[0].Ticket, new byte[60], harness.Now);
        harness.Advance(5000);
        Assert.Equal(2, harness.Port.Counters.DmaReadsAborted);
        Assert.All(harness.Function.Completions, tlp => Assert.Equal(CompletionStatus.CompleterAbort, StatusOf(tlp)));
        Assert.Equal(2, harness.Function.Completions.Count);
    }

    [Fact]
    public void Read_RangeUnmappedMeanwhile_IsRefusedAtOnce()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        harness.Function.DmaRead(Base, 64, 300);
        harness.Run();
        Assert.Equal(DmaMapResult.Success, harness.Port.Unmap(Base, 0x1_0000));
        harness.Port.CompleteDmaRead(memory.Asked[0].Ticket, new byte[64], harness.Now);
        harness.Run();
        Assert.Equal(CompletionStatus.UnsupportedRequest, StatusOf(Assert.Single(harness.Function.Completions)));
    }

    [Fact]
    public void Reads_MoreThanCanBeAsked_AreAborted()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        for (int i = 0; i < DmaClientReads.Capacity + 5; i++)
        {
            harness.Function.DmaRead(Base, 64, (ushort)(256 + i));
        }

        harness.Run();
        Assert.Equal(DmaClientReads.Capacity, memory.Asked.Count);
        Assert.Equal(5, harness.Function.Completions.Count);
    }

    [Fact]
    public void Write_ThenInterrupt_ReachesTheClientInOrder()
    {
        using RootPortHarness harness = Mapped(out AskedMemory memory);
        harness.Function.DmaWrite(Base + 5, [1, 2, 3]);
        harness.Function.Interrupt(1);
        harness.Run();
        (ulong address, byte[] data) = Assert.Single(memory.Written);
        Assert.Equal(Base + 5, address);
        Assert.Equal([1, 2, 3], data);
        memory.IsFull = true;
        harness.Function.DmaWrite(Base, [1, 2, 3, 4]);
        harness.Run();
        Assert.Equal(1, harness.Port.Counters.DmaWritesDropped);
    }

    private static RootPortHarness Mapped(out AskedMemory memory)
    {
        RootPortHarness harness = RootPortHarness.Up();
        memory = new AskedMemory();
        Assert.Equal(DmaMapResult.Success, harness.Port.Map(Base, 0x1_0000, memory, DmaAccess.ReadWrite));
        return harness;
    }

    private static CompletionStatus StatusOf(byte[] tlp)
    {
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        return view.CompletionStatus;
    }

    private sealed class AskedMemory : IDmaMemory
    {
        public List<(ulong Address, int Length, DmaReadTicket Ticket)> Asked { get; } = [];

        public List<(ulong Address, byte[] Data)> Written { get; } = [];

        public Action<DmaReadTicket>? OnAsked { get; set; }

        public bool IsFull { get; set; }

        public bool TryStartRead(ulong address, int length, DmaReadTicket ticket, long now)
        {
            Asked.Add((address, length, ticket));
            OnAsked?.Invoke(ticket);
            return true;
        }

        public bool TryWrite(ulong address, ReadOnlySpan<byte> data, long now)
        {
            if (IsFull)
            {
                return false;
            }

            Written.Add((address, data.ToArray()));
            return true;
        }
    }
}
