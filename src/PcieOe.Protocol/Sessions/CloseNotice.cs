using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>Tells the peer that a session ends, several times, since a close frame lies outside the lane and nobody acknowledges it.</summary>
internal sealed class CloseNotice(int attempts)
{
    private const long IntervalNanoseconds = 50_000_000;

    private int _sent;

    /// <summary>When it is to be sent next; <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>How long it takes from the first to the end of the wait for an answer to the last.</summary>
    public long DurationNanoseconds => attempts * IntervalNanoseconds;

    public bool HasBegun => _sent != 0;

    /// <summary>All have been sent.</summary>
    public bool IsSpent => _sent == attempts;

    /// <summary>Forgets what was sent. The first one is due at <paramref name="at"/>.</summary>
    public void Begin(long at)
    {
        _sent = 0;
        Deadline = at;
    }

    /// <summary>Nothing is sent any more.</summary>
    public void Cancel() => Deadline = long.MaxValue;

    /// <summary>Queues one; the next is due an interval later.</summary>
    public void Send(LinkEngine link, SessionEnd reason, long now)
    {
        new CloseMessage(reason, IsAnswer: false).Send(link);
        _sent++;
        Deadline = now + IntervalNanoseconds;
    }
}
