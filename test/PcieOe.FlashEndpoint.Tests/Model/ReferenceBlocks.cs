using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Model;

/// <summary>
/// What a namespace must contain, as plainly as can be: each block has a stamp, its content is the stamp over and over, 0 for zeroes.
/// A block whose write was cut short by a reset, an abort or a failed DMA read may have the old stamp or the new one until it is read.
/// </summary>
internal sealed class ReferenceBlocks(uint id, int count, int blockBytes)
{
    private readonly ulong[] _stamps = new ulong[count];
    private readonly ulong?[] _orElse = new ulong?[count];
    private readonly bool[] _busy = new bool[count];

    public uint Id { get; } = id;

    public int Count { get; } = count;

    public int BlockBytes { get; } = blockBytes;

    /// <summary>Whether a command under way uses one of the blocks.</summary>
    public bool IsBusy(int first, int count) => _busy.AsSpan(first, count).Contains(true);

    public void SetBusy(int first, int count, bool busy) => _busy.AsSpan(first, count).Fill(busy);

    public bool IsCertain(int first, int count) => !_orElse.AsSpan(first, count).ContainsAnyExcept((ulong?)null);

    public void Write(int first, int count, ulong stamp)
    {
        _stamps.AsSpan(first, count).Fill(stamp);
        _orElse.AsSpan(first, count).Clear();
    }

    /// <summary>A write of unknown outcome. Where the block was uncertain before, a read has to have settled it.</summary>
    public void MayWrite(int first, int count, ulong stamp) => _orElse.AsSpan(first, count).Fill(stamp);

    /// <summary>Puts the content that the blocks have, or should get, into a buffer.</summary>
    public void Fill(Span<byte> buffer, int first, int count, ulong? stamp = null)
    {
        for (int i = 0; i < count; i++)
        {
            MemoryMarshal.Cast<byte, ulong>(buffer.Slice(i * BlockBytes, BlockBytes)).Fill(stamp ?? _stamps[first + i]);
        }
    }

    /// <summary>Holds what was read against what must be there.</summary>
    public void Check(ReadOnlySpan<byte> buffer, int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> block = buffer.Slice(i * BlockBytes, BlockBytes);
            ulong stamp = BinaryPrimitives.ReadUInt64LittleEndian(block);
            Assert.False(MemoryMarshal.Cast<byte, ulong>(block).ContainsAnyExcept(stamp), $"Block {first + i} of namespace {Id} is a mixture.");
            if (stamp != _stamps[first + i])
            {
                Assert.True(stamp == _orElse[first + i], $"Block {first + i} of namespace {Id} has {stamp:x}, not {_stamps[first + i]:x} or {_orElse[first + i]:x}.");
                _stamps[first + i] = stamp;
            }

            _orElse[first + i] = null;
        }
    }
}
