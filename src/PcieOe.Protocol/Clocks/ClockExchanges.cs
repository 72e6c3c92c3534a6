using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Clocks;

/// <summary>A host's side of the four-timestamp exchanges: when to ask, and which answers count.</summary>
internal sealed class ClockExchanges(long intervalNanoseconds)
{
    /// <summary>A new session asks quickly at first, so that a bound is there soon.</summary>
    private const int QuickExchanges = 8;
    private const long QuickIntervalNanoseconds = 10_000_000;

    private int _quickLeft;
    private long _askedAt = long.MinValue;

    public ClockOffsetEstimator Estimator { get; } = new();

    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>A new session: perhaps with a peer that began anew, whose clock says nothing about the one before.</summary>
    public void Begin(LinkEngine link, long now)
    {
        Estimator.Reset();
        _quickLeft = QuickExchanges;
        NextDeadline = now;
        OnTimer(link, now);
    }

    public void OnTimer(LinkEngine link, long now)
    {
        if (now < NextDeadline)
        {
            return;
        }

        _askedAt = now;
        new TimeMessage(IsAnswer: false, now, AskReceivedAt: 0, AnsweredAt: 0).Send(link);
        NextDeadline = now + (_quickLeft > 0 ? Math.Min(QuickIntervalNanoseconds, intervalNanoseconds) : intervalNanoseconds);
        _quickLeft = Math.Max(0, _quickLeft - 1);
    }

    /// <summary>A genuine time frame came. Only the answer to the last ask counts, once.</summary>
    public void OnMessage(ReadOnlySpan<byte> content, long now)
    {
        if (TimeMessage.TryParse(content, out TimeMessage message) && message.IsAnswer && message.AskedAt == _askedAt)
        {
            _askedAt = long.MinValue;
            Estimator.Add(message.AskedAt, message.AskReceivedAt, message.AnsweredAt, now);
        }
    }
}
