namespace PcieOe.Protocol.Link;

/// <summary>When to acknowledge without data to ride on: after some frames, after a short while, or at once.</summary>
internal sealed class AcknowledgementSchedule(int everyFrames, long delay)
{
    private int _unacknowledgedFrames;
    private int _framesBeyondHeader;

    /// <summary>An acknowledgement leaves at the end of this round, with data or alone.</summary>
    public bool IsDue { get; private set; }

    /// <summary>One with the whole bitmap leaves at the end of this round even though data goes: a header's 64 bits do not show what has come.</summary>
    public bool IsWholeBitmapDue { get; private set; }

    /// <summary>When one is due at the latest.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    public void OnDataFrame(bool atOnce, bool beyondHeader, long now)
    {
        if (++_unacknowledgedFrames >= everyFrames || atOnce)
        {
            IsDue = true;
        }
        else if (_unacknowledgedFrames == 1)
        {
            Deadline = now + delay;
        }

        if (beyondHeader && ++_framesBeyondHeader >= everyFrames)
        {
            IsWholeBitmapDue = true;
        }
    }

    /// <summary>One is wanted whatever has come.</summary>
    public void Request() => IsDue = true;

    public void OnTimer(long now) => IsDue |= now >= Deadline;

    /// <summary>A frame with an acknowledgement left; <paramref name="wholeBitmap"/>: an acknowledgement frame.</summary>
    public void OnSent(bool wholeBitmap)
    {
        _unacknowledgedFrames = 0;
        IsDue = false;
        Deadline = long.MaxValue;
        if (wholeBitmap)
        {
            _framesBeyondHeader = 0;
            IsWholeBitmapDue = false;
        }
    }
}
