using System.Diagnostics.CodeAnalysis;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// A target's sessions: the table, the handshakes, the leases (docs/wire-format.md, "Sessions"). Sans-I/O, one thread. A poll round is:
/// <see cref="OnFrame"/> for each frame received, <see cref="OnHandshakeResult"/> for each job that came back, <see cref="OnTimer"/> when
/// <see cref="NextDeadline"/> has passed, <see cref="TryTakeHandshakeJob"/> until it says no, <see cref="TryGetFrameToSend"/> until it
/// says no.
/// </summary>
public sealed class TargetSessions : IDisposable
{
    /// <summary>Entries of the table beyond the most sessions: for those that come (their host has yet to confirm) and go.</summary>
    internal const int SpareEntries = 128;

    private readonly TargetSessionsOptions _options;
    private readonly TargetListener _listener;
    private readonly DiscoveryResponder _discovery;
    private readonly SessionTable _table;
    private readonly SessionLifecycle _lifecycle;

    public TargetSessions(TargetSessionsOptions options, ITargetSessionPolicy policy, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        _table = new SessionTable(options.MaximumSessions + SpareEntries);
        _lifecycle = new SessionLifecycle(options, policy, _table);
        var admission = new SessionAdmission(options, policy, random, _table, _lifecycle);
        var hosts = new HostRecords(options.Hosts);
        var cookies = new CookieJar();
        _listener = new TargetListener(options, admission, hosts, cookies, random);
        _discovery = new DiscoveryResponder(options, admission, hosts, cookies, random);
    }

    public ref readonly SessionCounters Counters => ref _lifecycle.Counters;

    public ref readonly ListenerCounters ListenerCounters => ref _listener.Counters;

    /// <summary>Sessions whose hosts hold functions.</summary>
    public int EstablishedCount => _lifecycle.EstablishedCount;

    /// <summary>Entries of the table in use, those that come and go included; 0: nothing is left to be told to anybody.</summary>
    public int Count => _table.Count;

    /// <summary>Bytes of the scratch that sealing a frame of any session takes.</summary>
    public int SealScratchBytes => _options.Link.MaximumTransmissionUnit;

    /// <summary>When <see cref="OnTimer"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDeadline => Math.Min(_discovery.NextDeadline, _table.NextDeadline);

    /// <summary>Every <see cref="TargetSession.Index"/> is below this.</summary>
    public int MaximumEntries => _options.MaximumSessions + SpareEntries;

    /// <summary>The sessions whose hosts hold functions, for status and metrics.</summary>
    public IEnumerable<TargetSession> Established => _table.Entries.ToArray().OfType<TargetSession>().Where(session => session.IsEstablished);

    /// <summary>Takes a frame of this protocol, from its own header on; Ethernet's padding may follow.</summary>
    /// <param name="source">The Ethernet source address.</param>
    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now)
    {
        if (!FrameView.TryPeek(frame, out FrameType type, out uint sessionId))
        {
            _lifecycle.Counters.ForeignFrames++;
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
            _lifecycle.Counters.ForeignFrames++;
        }
    }

    /// <summary>The next piece of slow work, for <see cref="HandshakeWork.Execute"/> on whichever thread.</summary>
    public bool TryTakeHandshakeJob([NotNullWhen(true)] out HandshakeJob? job) => _listener.TryTakeJob(out job);

    public void OnHandshakeResult(HandshakeResult result, long now) => _listener.OnResult(result, now);

    /// <summary>Lets what is due by time happen. Early calls do nothing.</summary>
    public void OnTimer(long now)
    {
        _discovery.OnTimer(now);
        int index = 0;
        while (_table.NextDue(ref index, now) is { } session)
        {
            _lifecycle.OnTimer(session, now);
        }
    }

    /// <summary>
    /// The next frame to send, session by session in turn. See <see cref="LinkEngine.TryGetFrameToSend"/> for what the spans are and how
    /// long they stay.
    /// </summary>
    /// <param name="session">Whose frame it is; null for frames outside sessions. If the port does not take it, <see cref="OnSendFailed"/>.</param>
    /// <param name="mayCloseFrame">
    /// False: a frame being filled is kept back if no other session has anything to send. Call again in the next round, which must not wait.
    /// </param>
    public bool TryGetFrameToSend(
        long now,
        Span<byte> header,
        Span<byte> sealScratch,
        out ReadOnlySpan<byte> content,
        out MacAddress destination,
        out TargetSession? session,
        bool mayCloseFrame = true)
    {
        session = null;
        if (TryGetFrameOutsideSessions(header, out content, out destination))
        {
            return true;
        }

        while ((session = _table.NextSender()) is not null)
        {
            bool isKeptBack = !mayCloseFrame && _table.IsAloneReady(session);
            if (session.TryGetFrameToSend(now, header, sealScratch, out content, out destination, mayCloseFrame: !isKeptBack))
            {
                return true;
            }

            if (isKeptBack && session.HasOpenFrame)
            {
                return false;
            }

            _table.SetQuiet(session);
        }

        return false;
    }

    /// <summary>
    /// The next frame that belongs to no session. For an owner that shares the port among sessions itself: this, then
    /// <see cref="TryTakeReady"/>, <see cref="TargetSession.TryGetFrameToSend"/> and <see cref="OnFramesTaken"/> take the place of
    /// <see cref="TryGetFrameToSend"/>.
    /// </summary>
    public bool TryGetFrameOutsideSessions(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination) =>
        _listener.TryGetFrameToSend(header, out content, out destination) || _discovery.TryGetFrameToSend(header, out content, out destination);

    /// <summary>The next session of which something happened, so that it may have something to send; each once until something happens again.</summary>
    public bool TryTakeReady([NotNullWhen(true)] out TargetSession? session)
    {
        session = _table.NextSender();
        if (session is not null)
        {
            _table.SetQuiet(session);
        }

        return session is not null;
    }

    /// <summary>The session may have more to send than its owner could take.</summary>
    public void MarkReady(TargetSession session) => _table.Touch(session);

    /// <summary>The owner took a frame from a session, so its timers run anew.</summary>
    public void OnFramesTaken(TargetSession session) => _table.SetQuiet(session);

    /// <summary>Holds a host to a number of frames (see <see cref="LinkEngine.LimitReceive"/>).</summary>
    public void LimitReceive(TargetSession session, int frames)
    {
        session.LimitReceive(frames);
        _table.Touch(session);
    }

    /// <summary>Permits a host the whole window again.</summary>
    public void ReleaseReceive(TargetSession session)
    {
        session.ReleaseReceive();
        _table.Touch(session);
    }

    /// <summary>Tells a host what rate its frames may come at. What the link cannot take now is not sent.</summary>
    public void SendFeedback(TargetSession session, in FeedbackMessage message)
    {
        session.SendFeedback(message);
        _table.Touch(session);
    }

    /// <summary>The port did not take the last frames that a session gave: they count as lost.</summary>
    public void OnSendFailed(TargetSession session, int frames)
    {
        session.OnSendFailed(frames);
        _table.Touch(session);
    }

    /// <summary>Ends a session: its function is detached at once, its host is told.</summary>
    public void Close(TargetSession session, SessionEnd reason, long now)
    {
        if (session.IsEstablished)
        {
            _lifecycle.Detach(session, reason, tellsHost: true, now);
        }
    }

    /// <summary>Ends all sessions and takes no more. What is left to send goes on through the poll round until <see cref="Count"/> is 0.</summary>
    public void Drain(long now)
    {
        _listener.IsDraining = true;
        foreach (TargetSession? session in _table.Entries)
        {
            if (session is { IsUnconfirmed: true })
            {
                _table.Remove(session);
            }
            else if (session is not null)
            {
                Close(session, SessionEnd.Shutdown, now);
            }
        }
    }

    public void Dispose()
    {
        foreach (TargetSession? session in _table.Entries)
        {
            if (session is not null)
            {
                _table.Remove(session);
            }
        }
    }

    private void OnSessionFrame(ReadOnlySpan<byte> frame, uint sessionId, long now)
    {
        if (_table.Find(sessionId) is { } session)
        {
            _lifecycle.OnFrame(session, frame, now);
        }
        else
        {
            _lifecycle.Counters.StaleFrames++;
        }
    }
}
