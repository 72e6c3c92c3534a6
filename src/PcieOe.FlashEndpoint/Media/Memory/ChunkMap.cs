using System.Numerics;

namespace PcieOe.FlashEndpoint.Media.Memory;

/// <summary>
/// What is known of each chunk of memory: <em>written</em> (its bytes count), <em>stale</em> (it holds bytes that no longer count and
/// memory to be returned), or neither (it is zero and, as far as we know, costs nothing). Two bits a chunk.
/// </summary>
internal sealed class ChunkMap(long chunks)
{
    private readonly ulong[] _written = new ulong[(chunks + 63) / 64];
    private readonly ulong[] _stale = new ulong[(chunks + 63) / 64];
    private long _cursor;

    public long StaleCount { get; private set; }

    public bool IsWritten(long chunk) => (_written[chunk >> 6] & Bit(chunk)) != 0;

    public bool IsStale(long chunk) => (_stale[chunk >> 6] & Bit(chunk)) != 0;

    public void SetWritten(long chunk) => _written[chunk >> 6] |= Bit(chunk);

    /// <summary>The chunk's memory was returned: it is zero again.</summary>
    public void ClearStale(long chunk)
    {
        _stale[chunk >> 6] &= ~Bit(chunk);
        StaleCount--;
    }

    /// <summary>Declares the bytes of chunks void.</summary>
    public void MakeStale(long first, long count)
    {
        long end = first + count;
        while (first < end)
        {
            long word = first >> 6;
            ulong mask = ulong.MaxValue << (int)(first & 63);
            long wordEnd = (word + 1) << 6;
            if (wordEnd > end)
            {
                mask &= ulong.MaxValue >> (int)(wordEnd - end);
            }

            ulong voided = _written[word] & mask;
            if (voided != 0)
            {
                _written[word] &= ~voided;
                _stale[word] |= voided;
                StaleCount += BitOperations.PopCount(voided);
            }

            first = wordEnd;
        }
    }

    /// <summary>Some stale chunk. There must be one.</summary>
    public long NextStale()
    {
        while (_stale[_cursor] == 0)
        {
            _cursor = _cursor + 1 < _stale.Length ? _cursor + 1 : 0;
        }

        return (_cursor << 6) + BitOperations.TrailingZeroCount(_stale[_cursor]);
    }

    private static ulong Bit(long chunk) => 1UL << (int)(chunk & 63);
}
