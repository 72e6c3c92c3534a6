namespace PcieOe.Protocol.Link;

/// <summary>
/// Which of the last 4096 frame numbers have come. Numbers before those count as seen. Marked only after a frame's check has been verified.
/// </summary>
internal sealed class ReplayGuard
{
    private const int WindowFrames = 4096;
    private const int Words = WindowFrames / 64;

    /// <summary>A number further ahead than what its 32 echoed bits can name is not believed.</summary>
    private const ulong LongestJump = 1UL << 31;

    private readonly ulong[] _seen = new ulong[Words];

    /// <summary>The highest number marked; 0 if none was.</summary>
    public ulong Highest { get; private set; }

    /// <summary>Whether the number is neither marked nor too old nor out of all proportion.</summary>
    public bool IsFresh(ulong number)
    {
        if (number > Highest)
        {
            return number - Highest < LongestJump;
        }

        // Whole words are cleared when the window moves on, so the oldest word may be gone: it is not counted on.
        return Highest - number < WindowFrames - 64 && number != 0 && (_seen[Word(number)] & Bit(number)) == 0;
    }

    public void Mark(ulong number)
    {
        if (number > Highest)
        {
            ulong words = Math.Min((number >> 6) - (Highest >> 6), Words);
            for (ulong i = 1; i <= words; i++)
            {
                _seen[(int)((Highest >> 6) + i) & Words - 1] = 0;
            }

            Highest = number;
        }

        _seen[Word(number)] |= Bit(number);
    }

    private static int Word(ulong number) => (int)(number >> 6) & Words - 1;

    private static ulong Bit(ulong number) => 1UL << (int)(number & 63);
}
