namespace PcieOe.Protocol.Sessions;

/// <summary>
/// How a target's sessions come to hold their functions and lose them again: the host's first protected frame confirms one, a close, the
/// end of its lease or a newer session of the same host ends it.
/// </summary>
internal sealed class SessionLifecycle(TargetSessionsOptions options, ITargetSessionPolicy policy, SessionTable table)
{
    private readonly long _lease = options.LeaseMilliseconds * 1_000_000L;
    private SessionCounters _counters;

    public ref SessionCounters Counters => ref _counters;

    /// <summary>Sessions whose hosts hold functions.</summary>
    public int EstablishedCount { get; private set; }

    public bool IsFull => EstablishedCount == options.MaximumSessions;

    /// <summary>A frame came with a session's id.</summary>
    public void OnFrame(TargetSession session, ReadOnlySpan<byte> frame, long now)
    {
        bool isGenuine = session.OnFrame(frame, now);
        if (isGenuine)
        {
            if (session.IsPending)
            {
                Confirm(session, now);
            }

            if (session.IsEstablished)
            {
                session.ExtendLease(now + _lease);
            }

            if (session.TakeCloseRequest())
            {
                OnCloseRequest(session, now);
            }
        }

        table.Touch(session);
    }

    public void OnTimer(TargetSession session, long now)
    {
        if (now < session.ExpiresAt)
        {
            session.OnTimer(now);
            table.Touch(session);
            return;
        }

        switch (session.State)
        {
            case TargetSessionState.Opening or TargetSessionState.Pending:
                GiveUp(session);
                break;
            case TargetSessionState.Established:
                _counters.LeasesExpired++;
                Detach(session, SessionEnd.LeaseExpired, tellsHost: false, now);
                table.Remove(session);
                break;
            default:
                table.Remove(session);
                break;
        }
    }

    /// <summary>The host's first protected frame has come: only now does a new session take its function, and end an old one of the host.</summary>
    public void Confirm(TargetSession session, long now)
    {
        TargetSession? holder = table.FindHolder(session.FunctionName);
        if (holder is not null && holder.HostName != session.HostName)
        {
            RefuseLate(session, now);
            return;
        }

        if (holder is not null)
        {
            _counters.Replaced++;
            Detach(holder, SessionEnd.Replaced, tellsHost: true, now);
        }

        // What the host began before this session and never used must not come to life behind it.
        while (table.FindOldestAttempt(session.HostName, session.FunctionName, session.Order, out _) is { } earlier)
        {
            GiveUp(earlier);
        }

        if (IsFull)
        {
            RefuseLate(session, now);
            return;
        }

        EstablishedCount++;
        _counters.Established++;
        if (!session.OnConfirmed(policy, now, now + _lease))
        {
            EstablishedCount--;
            RefuseLate(session, now);
        }

        table.Touch(session);
    }

    public void OnFeedback(TargetSession session, in FeedbackMessage feedback, long now) => policy.OnFeedback(session, feedback, now);

    /// <summary>Forgets a session that its host never confirmed.</summary>
    public void GiveUp(TargetSession session)
    {
        _counters.Unconfirmed++;
        table.Remove(session);
    }

    /// <summary>Ends a session that holds its function: the function is detached at once, the host is told if it is to be.</summary>
    public void Detach(TargetSession session, SessionEnd reason, bool tellsHost, long now)
    {
        EstablishedCount--;
        session.BeginClosing(reason, tellsHost, now);
        table.Touch(session);
        policy.OnDetached(session, reason, now);
    }

    private void OnCloseRequest(TargetSession session, long now)
    {
        if (session.IsEstablished)
        {
            _counters.Closed++;
            Detach(session, SessionEnd.Closed, tellsHost: false, now);
        }

        session.AnswerClose();
    }

    private void RefuseLate(TargetSession session, long now)
    {
        session.BeginClosing(SessionEnd.Released, tellsHost: true, now);
        table.Touch(session);
    }
}
