namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>
/// A rate that something keeps to, as the instant from which on more may go (a token bucket counted in time). A pause saves up credit, as
/// much as was given. Without a rate everything may go.
/// </summary>
internal struct Pace
{
    private double _nanosecondsPerByte;
    private long _credit;

    /// <summary>Bytes a second; 0: unlimited.</summary>
    internal double BytesPerSecond { get; private set; }

    internal readonly bool IsLimited => BytesPerSecond > 0;

    /// <summary>When the next frame may go.</summary>
    internal long FreeAt { get; private set; }

    internal void Set(double bytesPerSecond, long creditNanoseconds)
    {
        BytesPerSecond = bytesPerSecond;
        _nanosecondsPerByte = 1e9 / bytesPerSecond;
        _credit = creditNanoseconds;
    }

    internal void Clear()
    {
        BytesPerSecond = 0;
        FreeAt = 0;
    }

    internal void Take(int bytes, long now)
    {
        if (IsLimited)
        {
            FreeAt = Math.Max(FreeAt, now - _credit) + (long)(bytes * _nanosecondsPerByte);
        }
    }
}
