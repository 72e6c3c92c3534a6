namespace PcieOe.Protocol.Link;

/// <summary>When each of the last frames was sent, and what it carried.</summary>
internal sealed class SentFrames
{
    private const int Ring = 2048;

    private readonly Entry[] _entries = new Entry[Ring];

    /// <summary>The number of the next frame. Numbers count from 1: 0 stands for "none".</summary>
    public ulong Next { get; private set; } = 1;

    /// <summary>Records the frame <see cref="Next"/>; <paramref name="slot"/> is its send slot, -1 if it carries no data.</summary>
    public void Add(long now, int slot)
    {
        _entries[(int)Next & Ring - 1] = new Entry(now, slot);
        Next++;
    }

    /// <summary>Whether a frame number is of one that was sent, and recently enough to be known.</summary>
    public bool Knows(ulong number) => number != 0 && number < Next && Next - number <= Ring;

    public long SentAt(ulong number) => _entries[(int)number & Ring - 1].SentAt;

    public int Slot(ulong number) => _entries[(int)number & Ring - 1].Slot;

    /// <summary>The last frame sent whose number has these low 32 bits; 0 if there is none.</summary>
    public ulong Expand(uint low)
    {
        ulong last = Next - 1;
        ulong behind = (uint)last - low;
        return behind > last ? 0 : last - behind;
    }

    private readonly record struct Entry(long SentAt, int Slot);
}
