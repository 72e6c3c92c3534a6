namespace PcieOe.Transport.Ports.Impairment;

/// <summary>How frames are corrupted.</summary>
public enum CorruptionKind : byte
{
    /// <summary>One to three bits, or one burst of at most 32: what CRC-32C detects for certain.</summary>
    DetectedByCrc32C,

    /// <summary>Up to 64 bytes become others: what a check detects only very probably, and an authentication tag always.</summary>
    Arbitrary,
}

/// <summary>
/// What happens to frames in one direction. Probabilities are for each frame, 0 to 1. The same seed, frames and times give the same fate.
/// </summary>
public sealed record ImpairmentOptions
{
    public ulong Seed { get; init; } = 1;

    public double LossProbability { get; init; }

    /// <summary>A lost frame takes so many more with it.</summary>
    public int LossBurstFrames { get; init; }

    /// <summary>Sent once more, right after.</summary>
    public double DuplicationProbability { get; init; }

    /// <summary>Held back until between one and <see cref="ReorderingFrames"/> later frames have overtaken it.</summary>
    public double ReorderingProbability { get; init; }

    public int ReorderingFrames { get; init; } = 8;

    /// <summary>A frame that is held back goes on after this time at the latest, when too few come to overtake it.</summary>
    public long ReorderingLimitMicroseconds { get; init; } = 5_000;

    /// <summary>Bits behind the Ethernet header are changed.</summary>
    public double CorruptionProbability { get; init; }

    public CorruptionKind Corruption { get; init; }

    public long DelayMicroseconds { get; init; }

    /// <summary>Up to so much more delay, drawn for each frame; frames stay in order.</summary>
    public long JitterMicroseconds { get; init; }

    /// <summary>The rate of the line, in bits of whole frames; 0 for no limit.</summary>
    public double BitsPerSecond { get; init; }

    /// <summary>Frames that would wait for the line behind more than this many bytes are lost.</summary>
    public int QueueBytes { get; init; } = 1024 * 1024;

    /// <summary>Every so often, counted from the first frame, the line is cut; 0 for never.</summary>
    public long CutEveryMilliseconds { get; init; }

    /// <summary>How long each cut lasts.</summary>
    public long CutForMilliseconds { get; init; }

    /// <summary>Most frames under way at once; more are lost.</summary>
    public int MaximumFrames { get; init; } = 4096;

    /// <summary>Throws when a value makes no sense, naming it.</summary>
    internal void Validate()
    {
        RequireProbability(LossProbability, nameof(LossProbability));
        RequireProbability(DuplicationProbability, nameof(DuplicationProbability));
        RequireProbability(ReorderingProbability, nameof(ReorderingProbability));
        RequireProbability(CorruptionProbability, nameof(CorruptionProbability));
        ArgumentOutOfRangeException.ThrowIfNegative(LossBurstFrames);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ReorderingFrames);
        ArgumentOutOfRangeException.ThrowIfNegative(ReorderingLimitMicroseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(DelayMicroseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(JitterMicroseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(BitsPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(QueueBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(CutEveryMilliseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(CutForMilliseconds);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumFrames, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaximumFrames, 1 << 20);
    }

    private static void RequireProbability(double value, string name)
    {
        if (!(value is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(name, value, "A probability lies between 0 and 1.");
        }
    }
}

/// <summary>What has happened to frames in one direction.</summary>
public struct ImpairmentCounters
{
    public long Offered;

    /// <summary>Lost by chance.</summary>
    public long Lost;

    /// <summary>Lost since the line was cut.</summary>
    public long Cut;

    /// <summary>Lost since too much waited already, or the frame was too long.</summary>
    public long Overflowed;

    public long Duplicated;
    public long Reordered;
    public long Corrupted;
    public long Delivered;
}
