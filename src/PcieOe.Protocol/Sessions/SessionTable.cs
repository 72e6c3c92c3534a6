namespace PcieOe.Protocol.Sessions;

/// <summary>
/// A target's sessions by the index in their ids, with what a poll round asks of all of them kept beside: when each wants to be called,
/// and which may have something to send.
/// </summary>
internal sealed class SessionTable
{
    private readonly TargetSession?[] _sessions;
    private readonly long[] _deadlines;
    private int _used;
    private int _lastSender = -1;

    public SessionTable(int entries)
    {
        _sessions = new TargetSession?[entries];
        _deadlines = new long[entries];
        Array.Fill(_deadlines, long.MaxValue);
        Ready = new ReadySet(entries);
    }

    public ReadySet Ready { get; }

    public int Count { get; private set; }

    /// <summary>Entries that have ever been in use; some may be empty.</summary>
    public ReadOnlySpan<TargetSession?> Entries => _sessions.AsSpan(0, _used);

    public long NextDeadline
    {
        get
        {
            long next = long.MaxValue;
            foreach (long deadline in _deadlines.AsSpan(0, _used))
            {
                next = Math.Min(next, deadline);
            }

            return next;
        }
    }

    public TargetSession? Find(uint id)
    {
        int index = new SessionId(id).Index;
        return index < _used && _sessions[index] is { } session && session.Id == id ? session : null;
    }

    /// <summary>The session that holds a function.</summary>
    public TargetSession? FindHolder(string functionName)
    {
        foreach (TargetSession? session in Entries)
        {
            if (session is { IsEstablished: true } && session.FunctionName == functionName)
            {
                return session;
            }
        }

        return null;
    }

    /// <summary>The oldest of a host's unconfirmed sessions with a function that began before <paramref name="order"/>, and their number.</summary>
    public TargetSession? FindOldestAttempt(string hostName, string functionName, long order, out int attempts)
    {
        attempts = 0;
        TargetSession? oldest = null;
        foreach (TargetSession? session in Entries)
        {
            if (session is { IsUnconfirmed: true } && session.Order < order
                && session.HostName == hostName && session.FunctionName == functionName)
            {
                attempts++;
                oldest = oldest is null || session.Order < oldest.Order ? session : oldest;
            }
        }

        return oldest;
    }

    /// <summary>An entry that is free; -1 if none is.</summary>
    public int FindFreeIndex() => Array.IndexOf(_sessions, null);

    /// <summary>Puts a session into the entry that its id names.</summary>
    public void Add(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        _sessions[index] = session;
        _deadlines[index] = session.NextDeadline;
        _used = Math.Max(_used, index + 1);
        Count++;
    }

    public void Remove(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        _sessions[index] = null;
        _deadlines[index] = long.MaxValue;
        Ready.Remove(index);
        Count--;
        session.Release();
    }

    /// <summary>Something happened to a session: it may have something to send, and want to be called at another time.</summary>
    public void Touch(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        if (_sessions[index] == session)
        {
            Ready.Add(index);
            _deadlines[index] = session.NextDeadline;
        }
    }

    /// <summary>The next session in turn that may have something to send; null if none has.</summary>
    public TargetSession? NextSender()
    {
        // Only members of the table are ready: what leaves it has no link, and without one nothing makes ready.
        _lastSender = Ready.NextAfter(_lastSender);
        return _lastSender < 0 ? null : _sessions[_lastSender];
    }

    /// <summary>Whether no session but this one, which may have something to send, may have any.</summary>
    public bool IsAloneReady(TargetSession session) => Ready.NextAfter(session.Index) == session.Index;

    /// <summary>A session has nothing to send. Whatever makes it able to again says so: a commit, a frame, its timer.</summary>
    public void SetQuiet(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        Ready.Remove(index);
        _deadlines[index] = session.NextDeadline;
    }

    /// <summary>The first session at or after an index that is due; moves the index behind it. Null: none is.</summary>
    public TargetSession? NextDue(ref int index, long now)
    {
        while (index < _used)
        {
            int at = index++;
            if (_deadlines[at] <= now && _sessions[at] is { } session)
            {
                return session;
            }
        }

        return null;
    }
}
