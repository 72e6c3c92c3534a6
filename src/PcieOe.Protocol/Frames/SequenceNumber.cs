namespace PcieOe.Protocol.Frames;

/// <summary>
/// The place of a data frame in its lane, modulo 2^32. Comparisons hold between numbers less than 2^31 apart; a link's window keeps all
/// that it compares within 2^10.
/// </summary>
public readonly record struct SequenceNumber(uint Value)
{
    internal const int Bits = 32;

    public static bool operator <(SequenceNumber left, SequenceNumber right) => left - right < 0;

    public static bool operator >(SequenceNumber left, SequenceNumber right) => left - right > 0;

    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left - right <= 0;

    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left - right >= 0;

    public static SequenceNumber operator +(SequenceNumber number, int distance) => new(number.Value + (uint)distance);

    public static SequenceNumber operator ++(SequenceNumber number) => number + 1;

    /// <summary>How far <paramref name="left"/> lies ahead of <paramref name="right"/>; negative if behind.</summary>
    public static int operator -(SequenceNumber left, SequenceNumber right) => Distance(left.Value, right.Value, Bits);

    /// <summary>The signed distance of two numbers modulo 2^<paramref name="bits"/>, from -2^(bits-1) to 2^(bits-1)-1.</summary>
    internal static int Distance(uint left, uint right, int bits) => (int)(left - right << Bits - bits) >> Bits - bits;

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
