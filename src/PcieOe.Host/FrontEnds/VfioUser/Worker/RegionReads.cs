using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>Region reads under way at the function. A read across a 4 KiB boundary is asked for in two pieces, one after the other.</summary>
internal sealed unsafe class RegionReads : IDisposable
{
    public const int Capacity = 32;

    /// <summary>The most that one read gives.</summary>
    public const int MaximumBytes = IRemoteFunction.MaximumRegionAccessBytes;

    private readonly Read[] _reads = new Read[Capacity];
    private readonly NativeMemoryRange _buffers = NativeMemoryRange.Reserve(Capacity * MaximumBytes);
    private ulong _free = (1UL << Capacity) - 1;

    public bool IsFull => _free == 0;

    /// <summary>Whether any is under way.</summary>
    public bool IsEmpty => _free == (1UL << Capacity) - 1;

    public int Add(int region, ulong offset, int length, long context)
    {
        int slot = System.Numerics.BitOperations.TrailingZeroCount(_free);
        _free &= _free - 1;
        _reads[slot] = new Read { Region = region, Offset = offset, Length = length, Context = context };
        return slot;
    }

    public void Remove(int slot) => _free |= 1UL << slot;

    public void Clear() => _free = (1UL << Capacity) - 1;

    /// <summary>Whether a number that came back names a read under way.</summary>
    public bool IsKnown(ulong slot) => slot < Capacity && (_free & 1UL << (int)slot) == 0;

    public ref readonly Read this[int slot] => ref _reads[slot];

    public ReadOnlySpan<byte> Data(int slot) => new(_buffers.Pointer + slot * MaximumBytes, _reads[slot].Length);

    /// <summary>Asks the function for the next piece. False: it cannot be taken now.</summary>
    public bool TryStartPiece(int slot, IRemoteFunction function, long now)
    {
        ref Read read = ref _reads[slot];
        ulong offset = read.Offset + (ulong)read.Done;
        int length = PieceLength(offset, read.Length - read.Done);
        return function.TryReadRegion(read.Region, offset, length, (ulong)slot, now);
    }

    /// <summary>Takes what the function gave. True: the read is whole.</summary>
    public bool Complete(int slot, ReadOnlySpan<byte> piece)
    {
        ref Read read = ref _reads[slot];
        int length = Math.Min(piece.Length, read.Length - read.Done);
        piece[..length].CopyTo(new Span<byte>(_buffers.Pointer + slot * MaximumBytes + read.Done, length));
        read.Done += length;
        return read.Done == read.Length;
    }

    /// <summary>Makes the rest of a read all ones: nobody can be asked for it.</summary>
    public void Fail(int slot)
    {
        ref Read read = ref _reads[slot];
        new Span<byte>(_buffers.Pointer + slot * MaximumBytes + read.Done, read.Length - read.Done).Fill(0xFF);
        read.Done = read.Length;
    }

    /// <summary>How much of an access may go at once: it must not cross a 4 KiB boundary.</summary>
    public static int PieceLength(ulong offset, int length) =>
        Math.Min(length, IRemoteFunction.MaximumRegionAccessBytes - (int)(offset % IRemoteFunction.MaximumRegionAccessBytes));

    public void Dispose() => _buffers.Dispose();

    public struct Read
    {
        public int Region;
        public int Length;
        public int Done;
        public ulong Offset;
        public long Context;
    }
}
