using System.Buffers;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.FrontEnds.Nbd.Transmission;
using PcieOe.Host.Interop;
using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.Nbd.Harness;

/// <summary>A transmission session on a disk in memory, whose commands end in a seeded order when told to.</summary>
internal sealed unsafe class SessionHarness : IBlockCommandSink, IDisposable
{
    public const int BlockBytes = 512;
    public const int CommandBytes = 16 * 1024;

    private readonly Random _random;
    private readonly nint _memory;
    private readonly List<BlockCommand> _underWay = [];
    private readonly List<byte> _output = [];
    private readonly List<byte> _unread = [];

    public SessionHarness(int seed = 1, bool isStructured = true, bool isReadOnly = false, int diskBytes = 4 << 20, int arenaBytes = 512 * 1024)
    {
        _random = new Random(seed);
        Disk = new byte[diskBytes];
        _random.NextBytes(Disk);
        _memory = (nint)NativeMemory.AlignedAlloc((nuint)arenaBytes, 4096);
        new Span<byte>((void*)_memory, arenaBytes).Fill(0xA5);
        Arena = new BufferArena(_memory, arenaBytes);
        Export = new NbdExport("disk", "a disk", 0, 7, BlockBytes, (ulong)diskBytes, CommandBytes, isReadOnly);
        Session = new TransmissionSession(Export, isStructured, isStructured, this, Arena);
    }

    public byte[] Disk { get; }

    public BufferArena Arena { get; }

    public NbdExport Export { get; }

    public TransmissionSession Session { get; }

    public List<BlockCommand> Log { get; } = [];

    /// <summary>Commands that the device takes at a time.</summary>
    public int Depth { get; set; } = 1024;

    public Func<BlockCommand, NvmeStatus> StatusOf { get; set; } = _ => NvmeStatus.Success;

    public int CommandsUnderWay => _underWay.Count;

    public bool TrySubmit(in BlockCommand command)
    {
        if (_underWay.Count == Depth)
        {
            return false;
        }

        Assert.Equal(7u, command.NamespaceId);
        _underWay.Add(command);
        Log.Add(command);
        return true;
    }

    /// <summary>Offers bytes, cut as told, and takes along what was left before.</summary>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        _unread.AddRange(bytes);
        long taken = Session.Consume(new ReadOnlySequence<byte>(_unread.ToArray()));
        _unread.RemoveRange(0, (int)taken);
    }

    /// <summary>Ends one command, any of those under way.</summary>
    public bool CompleteOne()
    {
        if (_underWay.Count == 0)
        {
            return false;
        }

        int index = _random.Next(_underWay.Count);
        BlockCommand command = _underWay[index];
        _underWay.RemoveAt(index);
        NvmeStatus status = StatusOf(command);
        if (status == NvmeStatus.Success)
        {
            Carry(command);
        }

        Session.OnCompleted((int)command.Context, status);
        return true;
    }

    /// <summary>Sends up to so many bytes of what waits.</summary>
    public int Send(int limit)
    {
        Span<BufferVector> vectors = stackalloc BufferVector[6];
        int count = Session.Replies.Gather(vectors);
        int sent = 0;
        foreach (BufferVector vector in vectors[..count])
        {
            int bytes = Math.Min(limit - sent, (int)vector.Length);
            _output.AddRange(new ReadOnlySpan<byte>(vector.Data, bytes));
            sent += bytes;
        }

        if (sent > 0)
        {
            Session.Replies.OnSent(sent, Session);
        }

        return sent;
    }

    /// <summary>Goes on until nothing moves.</summary>
    public void Drain(int sendLimit = int.MaxValue)
    {
        bool moved = true;
        while (moved)
        {
            int unread = _unread.Count;
            int under = Log.Count;
            Receive([]);
            moved = unread != _unread.Count || under != Log.Count;
            moved |= CompleteOne();
            moved |= Send(sendLimit) > 0;
        }
    }

    public byte[] TakeOutput()
    {
        byte[] output = [.. _output];
        _output.Clear();
        return output;
    }

    /// <summary>Receives, drains, and gives the replies.</summary>
    public List<Reply> Exchange(ClientBytes bytes, Func<ulong, int>? simpleDataBytes = null)
    {
        Receive(bytes.ToArray());
        Drain();
        return ReplyReader.ReadAll(TakeOutput(), simpleDataBytes ?? (_ => 0));
    }

    /// <summary>Nothing is left of any request.</summary>
    public void AssertClean()
    {
        Assert.Equal(0, Arena.UsedPages);
        Assert.Equal(0, Session.CommandsUnderWay);
        Assert.True(Session.IsIdle);
    }

    public void Dispose()
    {
        Session.Dispose();
        NativeMemory.AlignedFree((void*)_memory);
    }

    private void Carry(in BlockCommand command)
    {
        int bytes = (int)command.Blocks * BlockBytes;
        Span<byte> place = command.Operation == BlockOperation.Flush ? [] : Disk.AsSpan((int)command.Lba * BlockBytes, bytes);
        Span<byte> buffer = command.MovesData ? new Span<byte>((void*)command.Buffer, bytes) : [];
        switch (command.Operation)
        {
            case BlockOperation.Read:
                place.CopyTo(buffer);
                break;
            case BlockOperation.Write:
                buffer.CopyTo(place);
                break;
            case BlockOperation.WriteZeroes:
                place.Clear();
                break;
        }
    }
}
