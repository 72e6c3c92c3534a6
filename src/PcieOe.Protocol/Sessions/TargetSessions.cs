using System.Diagnostics.CodeAnalysis;
using System.Text;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// A target's sessions: the table, the handshakes, the leases (docs/wire-format.md, "Sessions"). Sans-I/O, one thread. A poll round is:
/// <see cref="OnFrame"/> for each frame received, <see cref="OnHandshakeResult"/> for each job that came back, <see cref="OnTimer"/> when
/// <see cref="NextDeadline"/> has passed, <see cref="TryTakeHandshakeJob"/> until it says no, <see cref="TryGetFrameToSend"/> until it
/// says no.
/// </summary>
public sealed class TargetSessions : ISessionRegistry, IDisposable
{
    /// <summary>Entries of the table beyond the most sessions: for those that come (their host has yet to confirm) and go.</summary>
    internal const int SpareEntries = 128;

    /// <summary>Sessions that one host may have begun for one function without having confirmed any.</summary>
    private const int MaximumAttempts = 4;

    private readonly TargetSessionsOptions _options;
    private readonly ITargetSessionPolicy _policy;
    private readonly IRandomSource _random;
    private readonly TargetListener _listener;
    private readonly DiscoveryResponder _discovery;
    private readonly TargetSession?[] _table;
    private readonly long[] _deadlines;
    private readonly ReadySet _ready;
    private readonly long _lease;
    private readonly long _confirmation;
    private SessionCounters _counters;
    private long _attempts;
    private int _used;
    private int _count;
    private int _established;
    private int _lastSender = -1;

    public TargetSessions(TargetSessionsOptions options, ITargetSessionPolicy policy, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        _policy = policy;
        _random = random;
        var hosts = new HostRecords(options.Hosts);
        var cookies = new CookieJar();
        _listener = new TargetListener(options, this, hosts, cookies, random);
        _discovery = new DiscoveryResponder(options, this, hosts, cookies, random);
        int entries = options.MaximumSessions + SpareEntries;
        _table = new TargetSession?[entries];
        _deadlines = new long[entries];
        Array.Fill(_deadlines, long.MaxValue);
        _ready = new ReadySet(entries);
        _lease = options.LeaseMilliseconds * 1_000_000L;
        _confirmation = options.ConfirmationMilliseconds * 1_000_000L;
    }

    public ref readonly SessionCounters Counters => ref _counters;

    public ref readonly ListenerCounters ListenerCounters => ref _listener.Counters;

    /// <summary>Discovers that were answered.</summary>
    public long DiscoversAnswered => _discovery.Answered;

    /// <summary>Sessions whose hosts hold functions.</summary>
    public int EstablishedCount => _established;

    /// <summary>Entries of the table in use, those that come and go included; 0: nothing is left to be told to anybody.</summary>
    public int Count => _count;

    /// <summary>Bytes of the scratch that sealing a frame of any session takes.</summary>
    public int SealScratchBytes => _options.Link.MaximumTransmissionUnit;

    /// <summary>When <see cref="OnTimer"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDeadline
    {
        get
        {
            long next = _discovery.NextDeadline;
            foreach (long deadline in _deadlines.AsSpan(0, _used))
            {
                next = Math.Min(next, deadline);
            }

            return next;
        }
    }

    /// <summary>The sessions whose hosts hold functions, for status and metrics.</summary>
    public IEnumerable<TargetSession> Established => _table.Take(_used).OfType<TargetSession>().Where(session => session.IsEstablished);

    /// <summary>Takes a frame of this protocol, from its own header on; Ethernet's padding may follow.</summary>
    /// <param name="source">The Ethernet source address.</param>
    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now)
    {
        if (!FrameView.TryPeek(frame, out FrameType type, out uint sessionId))
        {
            _counters.ForeignFrames++;
            return;
        }

        if (type >= FrameType.Data)
        {
            OnSessionFrame(frame, sessionId, now);
        }
        else if (type == FrameType.Hello && FrameView.TryParse(frame, out FrameView view))
        {
            _listener.OnHello(view, source, now);
        }
        else if (type == FrameType.Discover && FrameView.TryParse(frame, out view))
        {
            _discovery.OnDiscover(view, source, now);
        }
        else
        {
            _counters.ForeignFrames++;
        }
    }

    /// <summary>The next piece of slow work, for <see cref="HandshakeWork.Execute"/> on whichever thread.</summary>
    public bool TryTakeHandshakeJob([NotNullWhen(true)] out HandshakeJob? job) => _listener.TryTakeJob(out job);

    public void OnHandshakeResult(HandshakeResult result, long now) => _listener.OnResult(result, now);

    /// <summary>Lets what is due by time happen. Early calls do nothing.</summary>
    public void OnTimer(long now)
    {
        _discovery.OnTimer(now);
        for (int index = 0; index < _used; index++)
        {
            if (_deadlines[index] <= now && _table[index] is { } session)
            {
                OnSessionTimer(session, now);
            }
        }
    }

    /// <summary>
    /// The next frame to send, session by session in turn. See <see cref="LinkEngine.TryGetFrameToSend"/> for what the spans are and how
    /// long they stay.
    /// </summary>
    /// <param name="session">Whose frame it is; null for frames outside sessions. If the port does not take it, <see cref="OnSendFailed"/>.</param>
    public bool TryGetFrameToSend(
        long now,
        Span<byte> header,
        Span<byte> sealScratch,
        out ReadOnlySpan<byte> content,
        out MacAddress destination,
        out TargetSession? session)
    {
        session = null;
        if (_listener.TryGetFrameToSend(header, out content, out destination)
            || _discovery.TryGetFrameToSend(header, out content, out destination))
        {
            return true;
        }

        while ((_lastSender = _ready.NextAfter(_lastSender)) >= 0)
        {
            session = _table[_lastSender];
            if (session is not null && session.TryGetFrameToSend(now, header, sealScratch, out content, out destination))
            {
                return true;
            }

            // Whatever makes it able to send again adds it again: a commit, a frame, its timer.
            _ready.Remove(_lastSender);
            if (session is not null)
            {
                _deadlines[_lastSender] = session.NextDeadline;
            }
        }

        session = null;
        return false;
    }

    /// <summary>The port did not take the last frames that a session gave: they count as lost.</summary>
    public void OnSendFailed(TargetSession session, int frames)
    {
        session.OnSendFailed(frames);
        Touch(session);
    }

    /// <summary>Ends a session: its function is detached at once, its host is told.</summary>
    public void Close(TargetSession session, SessionEnd reason, long now)
    {
        if (session.IsEstablished)
        {
            Detach(session, reason, tellsHost: true, now);
        }
    }

    /// <summary>Ends all sessions and takes no more. What is left to send goes on through the poll round until <see cref="Count"/> is 0.</summary>
    public void Drain(long now)
    {
        _listener.IsDraining = true;
        for (int index = 0; index < _used; index++)
        {
            if (_table[index] is { } session)
            {
                Close(session, SessionEnd.Shutdown, now);
            }
        }
    }

    public void Dispose()
    {
        for (int index = 0; index < _used; index++)
        {
            if (_table[index] is { } session)
            {
                Remove(session);
            }
        }
    }

    TargetSession? ISessionRegistry.Find(uint id) => Find(id);

    TargetSession? ISessionRegistry.FindResumable(in Hello hello) =>
        hello.ResumeSessionId != 0
            && Find(hello.ResumeSessionId) is { IsEstablished: true } session
            && hello.HostName.SequenceEqual(session.HostNameUtf8)
            && hello.FunctionName.SequenceEqual(session.RequestedFunctionUtf8)
                ? session
                : null;

    void ISessionRegistry.Resume(TargetSession session, MacAddress source)
    {
        session.PeerAddress = source;
        session.OnPathRestored();
        Touch(session);
    }

    IReadOnlyList<FunctionOffer> ISessionRegistry.ListOffers(string hostName)
    {
        IReadOnlyList<FunctionDescription> functions = _policy.ListFunctions(hostName);
        var offers = new FunctionOffer[functions.Count];
        for (int i = 0; i < offers.Length; i++)
        {
            TargetSession? holder = FindHolder(functions[i].Name);
            FunctionState state = holder is null ? FunctionState.Free
                : holder.HostName == hostName ? FunctionState.HeldByYou : FunctionState.HeldByAnother;
            offers[i] = new FunctionOffer(functions[i].Name, functions[i].SizeBytes, state);
        }

        return offers;
    }

    AcceptStatus ISessionRegistry.TryReserve(in Hello hello, MacAddress source, long now, out TargetSession? session)
    {
        session = null;
        int mtu = Math.Min(hello.MaximumTransmissionUnit, _options.Link.MaximumTransmissionUnit);
        if (mtu < LinkOptions.MinimumMtu)
        {
            return AcceptStatus.MtuTooSmall;
        }

        string hostName = Encoding.UTF8.GetString(hello.HostName);
        AttachDecision decision = _policy.Decide(hostName, Encoding.UTF8.GetString(hello.FunctionName));
        if (decision.Refusal != AcceptStatus.New)
        {
            return decision.Refusal;
        }

        TargetSession? holder = FindHolder(decision.FunctionName);
        if (holder is not null && holder.HostName != hostName)
        {
            return AcceptStatus.FunctionBusy;
        }

        RemoveExcessAttempts(hostName, decision.FunctionName);
        if ((holder is null && _established == _options.MaximumSessions) || !TryFindFreeEntry(out int index))
        {
            return AcceptStatus.TargetFull;
        }

        uint id = SessionId.Create(index, _random.NextUInt32()).Value;
        session = new TargetSession(this, _ready, id, hello, decision.FunctionName, source, now)
        {
            MaximumTransmissionUnit = mtu,
            Capabilities = hello.Capabilities & _options.Capabilities,
            Order = ++_attempts,
        };
        session.ExtendLease(now + _confirmation);
        _table[index] = session;
        _deadlines[index] = session.NextDeadline;
        _used = Math.Max(_used, index + 1);
        _count++;
        return AcceptStatus.New;
    }

    void ISessionRegistry.OnKeysReady(TargetSession session, FrameCipher? cipher, byte[] accept, long now)
    {
        session.OnKeysReady(cipher, accept, _options.Link, now, now + _confirmation);
        Touch(session);
    }

    void ISessionRegistry.Abandon(TargetSession session) => Remove(session);

    /// <summary>The host's first protected frame has come: only now does a new session take its function, and end an old one of the host.</summary>
    internal void Confirm(TargetSession session, long now)
    {
        TargetSession? holder = FindHolder(session.FunctionName);
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

        RemoveEarlierAttempts(session);

        if (_established == _options.MaximumSessions)
        {
            RefuseLate(session, now);
            return;
        }

        _established++;
        _counters.Established++;
        if (!session.OnConfirmed(_policy, now, now + _lease))
        {
            _established--;
            RefuseLate(session, now);
        }

        Touch(session);
    }

    private void OnSessionFrame(ReadOnlySpan<byte> frame, uint sessionId, long now)
    {
        TargetSession? session = Find(sessionId);
        if (session is null)
        {
            _counters.StaleFrames++;
            return;
        }

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

        Touch(session);
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

    private void OnSessionTimer(TargetSession session, long now)
    {
        if (now < session.ExpiresAt)
        {
            session.OnTimer(now);
            Touch(session);
            return;
        }

        switch (session.State)
        {
            case TargetSessionState.Opening or TargetSessionState.Pending:
                _counters.Unconfirmed++;
                Remove(session);
                break;
            case TargetSessionState.Established:
                _counters.LeasesExpired++;
                Detach(session, SessionEnd.LeaseExpired, tellsHost: false, now);
                Remove(session);
                break;
            default:
                Remove(session);
                break;
        }
    }

    /// <summary>What a host began before this session and never used must not come to life behind it.</summary>
    private void RemoveEarlierAttempts(TargetSession session)
    {
        for (int index = 0; index < _used; index++)
        {
            if (_table[index] is { } other && (other.IsPending || other.IsOpening) && other.Order < session.Order
                && other.HostName == session.HostName && other.FunctionName == session.FunctionName)
            {
                _counters.Unconfirmed++;
                Remove(other);
            }
        }
    }

    /// <summary>Makes room for one more attempt of a host: the oldest goes, so that no host fills the table.</summary>
    private void RemoveExcessAttempts(string hostName, string functionName)
    {
        int attempts = 0;
        TargetSession? oldest = null;
        for (int index = 0; index < _used; index++)
        {
            if (_table[index] is { } other && (other.IsPending || other.IsOpening)
                && other.HostName == hostName && other.FunctionName == functionName)
            {
                attempts++;
                oldest = oldest is null || other.Order < oldest.Order ? other : oldest;
            }
        }

        if (attempts >= MaximumAttempts)
        {
            _counters.Unconfirmed++;
            Remove(oldest!);
        }
    }

    private void RefuseLate(TargetSession session, long now)
    {
        session.BeginClosing(SessionEnd.Released, tellsHost: true, now);
        Touch(session);
    }

    private void Detach(TargetSession session, SessionEnd reason, bool tellsHost, long now)
    {
        _established--;
        session.BeginClosing(reason, tellsHost, now);
        Touch(session);
        _policy.OnDetached(session, reason, now);
    }

    private TargetSession? Find(uint id)
    {
        int index = new SessionId(id).Index;
        return index < _used && _table[index] is { } session && session.Id == id ? session : null;
    }

    private TargetSession? FindHolder(string functionName)
    {
        for (int index = 0; index < _used; index++)
        {
            if (_table[index] is { IsEstablished: true } session && session.FunctionName == functionName)
            {
                return session;
            }
        }

        return null;
    }

    private bool TryFindFreeEntry(out int index)
    {
        index = Array.IndexOf(_table, null);
        return index >= 0;
    }

    private void Touch(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        if (_table[index] == session)
        {
            _ready.Add(index);
            _deadlines[index] = session.NextDeadline;
        }
    }

    private void Remove(TargetSession session)
    {
        int index = new SessionId(session.Id).Index;
        _table[index] = null;
        _deadlines[index] = long.MaxValue;
        _ready.Remove(index);
        _count--;
        session.Release();
    }
}
