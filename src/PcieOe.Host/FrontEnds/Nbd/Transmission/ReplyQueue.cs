using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>
/// Replies on their way out, in order: a head of a few bytes each, and data that is sent from where the device put it. Bounded; it knows no
/// sockets. One thread.
/// </summary>
internal sealed unsafe class ReplyQueue : IDisposable
{
    /// <summary>A power of two.</summary>
    internal const int Capacity = 1024;

    /// <summary>That nothing but a head is in an entry.</summary>
    internal const int NoPiece = -1;

    private const int HeadBytes = 40;
    private const int Mask = Capacity - 1;

    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly byte* _heads = (byte*)NativeMemory.Alloc(Capacity, HeadBytes);
    private uint _first;
    private uint _end;
    private int _sentOfFirst;

    internal int Count => (int)(_end - _first);

    internal int Free => Capacity - Count;

    /// <summary>Where the next entry's head is to be written: room for <see cref="ReplyHeaders.MaximumBytes"/>.</summary>
    internal Span<byte> NextHead => new(Head(_end), HeadBytes);

    /// <summary>Adds an entry whose head has been written to <see cref="NextHead"/>.</summary>
    /// <param name="piece">Handed back once all of it has gone out, if not <see cref="NoPiece"/>.</param>
    internal void Add(int headBytes, nint data = 0, int dataBytes = 0, int piece = NoPiece)
    {
        if (Free == 0)
        {
            throw new InvalidOperationException("More replies were given than there is room for.");
        }

        _entries[_end++ & Mask] = new Entry { Data = data, DataBytes = dataBytes, HeadBytes = headBytes, Piece = piece };
    }

    /// <summary>Describes what is to be sent next. Gives the vectors filled.</summary>
    internal int Gather(Span<BufferVector> vectors)
    {
        int count = 0;
        int skipped = _sentOfFirst;
        for (uint index = _first; index != _end && count + 2 <= vectors.Length; index++)
        {
            ref Entry entry = ref _entries[index & Mask];
            int skippedOfHead = Math.Min(skipped, entry.HeadBytes);
            if (skippedOfHead < entry.HeadBytes)
            {
                vectors[count++] = new BufferVector { Data = Head(index) + skippedOfHead, Length = (nuint)(entry.HeadBytes - skippedOfHead) };
            }

            int skippedOfData = skipped - skippedOfHead;
            if (skippedOfData < entry.DataBytes)
            {
                vectors[count++] = new BufferVector { Data = (byte*)entry.Data + skippedOfData, Length = (nuint)(entry.DataBytes - skippedOfData) };
            }

            skipped = 0;
        }

        return count;
    }

    /// <summary>So many bytes have gone out; <paramref name="released"/> takes the pieces of entries that are done.</summary>
    internal void OnSent(long bytes, TransmissionSession released)
    {
        bytes += _sentOfFirst;
        while (_first != _end && bytes >= _entries[_first & Mask].TotalBytes)
        {
            Entry entry = _entries[_first++ & Mask];
            bytes -= entry.TotalBytes;
            if (entry.Piece != NoPiece)
            {
                released.OnPieceSent(entry.Piece);
            }
        }

        _sentOfFirst = (int)bytes;
    }

    public void Dispose() => NativeMemory.Free(_heads);

    private byte* Head(uint index) => _heads + (index & Mask) * HeadBytes;

    private struct Entry
    {
        public nint Data;
        public int DataBytes;
        public int HeadBytes;
        public int Piece;

        public readonly int TotalBytes => HeadBytes + DataBytes;
    }
}
