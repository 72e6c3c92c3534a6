using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// The target's side of the handshake: judges hellos cheaply, keeps nothing for anybody who has not shown a cookie and, with keys, a MAC,
/// and leaves elliptic curves to jobs that run elsewhere (docs/wire-format.md, "Handshake").
/// </summary>
internal sealed class TargetListener
{
    /// <summary>The most jobs under way. A hello that finds none free is dropped; its host repeats it.</summary>
    public const int MaximumJobs = 64;

    // A share of a core, not more, goes to strangers: a hello costs some 5 us at worst.
    private const int FramesPerSecond = 20_000;
    private const int FramesBurst = 1024;
    private const int BlindRefusalsPerSecond = 100;
    private const int BlindRefusalsBurst = 20;
    private const int OutboxFrames = 64;
    private const int FrameBytes = FrameHeader.Length + Accept.Length + HandshakeFrame.CheckBytes;

    private readonly TargetSessionsOptions _options;
    private readonly ISessionRegistry _registry;
    private readonly IRandomSource _random;
    private readonly HostRecords _hosts;
    private readonly byte[] _targetName;
    private readonly CookieJar _cookies;
    private readonly Queue<HandshakeJob> _jobs = new(MaximumJobs);
    private readonly HandshakeOutbox _outbox = new(OutboxFrames, FrameBytes);
    private TokenBucket _frames = TokenBucket.PerSecond(FramesPerSecond, FramesBurst);
    private TokenBucket _blindRefusals = TokenBucket.PerSecond(BlindRefusalsPerSecond, BlindRefusalsBurst);
    private ListenerCounters _counters;
    private int _jobsUnderWay;

    public TargetListener(
        TargetSessionsOptions options, ISessionRegistry registry, HostRecords hosts, CookieJar cookies, IRandomSource random)
    {
        _options = options;
        _registry = registry;
        _random = random;
        _hosts = hosts;
        _cookies = cookies;
        _targetName = NameField.Encode(options.TargetName);
    }

    public ref readonly ListenerCounters Counters => ref _counters;

    /// <summary>When set, new sessions are refused; those that exist may still be resumed.</summary>
    public bool IsDraining { get; set; }

    public bool TryTakeJob([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HandshakeJob? job) => _jobs.TryDequeue(out job);

    public bool TryGetFrameToSend(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination) =>
        _outbox.TryTake(header, out content, out destination);

    public void OnHello(in FrameView frame, MacAddress source, long now)
    {
        _counters.FramesReceived++;
        if (!_frames.TryTake(now) || _outbox.IsFull)
        {
            _counters.RateLimited++;
            return;
        }

        if (frame.Header.SessionId != 0
            || !HandshakeFrame.TryOpen(frame, out ReadOnlySpan<byte> message)
            || !Hello.TryPeek(message, out byte version, out uint hostSessionId, out ReadOnlySpan<byte> nonce))
        {
            _counters.Malformed++;
            return;
        }

        if (version != Hello.CurrentVersion)
        {
            RefuseBlindly(AcceptStatus.VersionNotSupported, hostSessionId, nonce, source, now);
            return;
        }

        if (!Hello.TryParse(message, out Hello hello))
        {
            _counters.Malformed++;
            return;
        }

        if (!hello.TargetName.IsEmpty && !hello.TargetName.SequenceEqual(_targetName))
        {
            _counters.ForOthers++;
            return;
        }

        if (!_cookies.Recognises(source, hello.HostSessionId, hello.Nonce, hello.Cookie, now))
        {
            Span<byte> cookie = Challenge.Write(_outbox.Message(Challenge.Length), hello);
            _cookies.Bake(source, hello.HostSessionId, hello.Nonce, now, cookie);
            _outbox.Post(FrameType.Challenge, hello.HostSessionId, Challenge.Length, source);
            _counters.ChallengesSent++;
            return;
        }

        if (hello.Security != _hosts.Security || _hosts.Authenticate(hello) is not { } host)
        {
            _counters.NotAuthorized++;
            AcceptStatus status = _hosts.IsKeyed ? AcceptStatus.NotAuthorized : AcceptStatus.TargetIsInsecure;
            RefuseBlindly(status, hello.HostSessionId, hello.Nonce, source, now);
            return;
        }

        OnGenuineHello(hello, host, source, now);
    }

    public void OnResult(HandshakeResult result, long now)
    {
        _jobsUnderWay--;
        TargetSession? session = _registry.Find((uint)result.Job.Attempt);
        if (session is null || !session.IsOpening)
        {
            result.Dispose();
            return;
        }

        if (!result.Succeeded)
        {
            _counters.BadPublicKeys++;
            _registry.Abandon(session);
            return;
        }

        _registry.OnKeysReady(session, result.Cipher, result.Job.Accept, now);
        PostAccept(session);
    }

    private void OnGenuineHello(in Hello hello, HostRecord host, MacAddress source, long now)
    {
        ulong digest = HelloHistory.Digest(hello);
        if (host.History.TryFind(digest, out uint earlierId))
        {
            _counters.Repeated++;
            Repeat(hello, host, source, earlierId);
            return;
        }

        if (_jobsUnderWay == MaximumJobs || !host.History.MayAdd(now))
        {
            _counters.RateLimited++;
            return;
        }

        if (_registry.FindResumable(hello) is { } resumed)
        {
            host.History.Add(digest, resumed.Id);
            _counters.SessionsResumed++;
            _registry.Resume(resumed, source);
            Answer(AcceptStatus.Resumed, hello, host, source, resumed);
            return;
        }

        if (IsDraining)
        {
            Refuse(AcceptStatus.Draining, hello, host, source);
            return;
        }

        AcceptStatus status = _registry.TryReserve(hello, source, now, out TargetSession? session);
        if (session is null)
        {
            Refuse(status, hello, host, source);
            return;
        }

        host.History.Add(digest, session.Id);
        _jobs.Enqueue(MakeJob(hello, host, session));
        _jobsUnderWay++;
        _counters.KeyAgreements += host.Credential is null ? 0 : 1;
    }

    /// <summary>The same answer to the same hello, without any effect; none if it can have no use any more.</summary>
    private void Repeat(in Hello hello, HostRecord host, MacAddress source, uint earlierId)
    {
        if (_registry.Find(earlierId) is { IsPending: true } pending)
        {
            PostAccept(pending);
        }
        else if (_registry.FindResumable(hello) is { } resumed && resumed.Id == earlierId)
        {
            Answer(AcceptStatus.Resumed, hello, host, source, resumed);
        }
    }

    private HandshakeJob MakeJob(in Hello hello, HostRecord host, TargetSession session)
    {
        Span<byte> targetNonce = stackalloc byte[Hello.NonceBytes];
        _random.Fill(targetNonce);
        byte[] accept = new byte[Accept.Length];
        WriteAccept(accept, AcceptStatus.New, hello, targetNonce, session);
        return new HandshakeJob(HandshakeStep.TargetKeys, session.Id)
        {
            Credential = host.Credential,
            Hello = hello.Bytes.ToArray(),
            Accept = accept,
            RekeyIntervalFrames = _options.RekeyIntervalFrames,
        };
    }

    private void WriteAccept(Span<byte> message, AcceptStatus status, in Hello hello, ReadOnlySpan<byte> targetNonce, TargetSession? session) =>
        Accept.Write(message, new AcceptFields
        {
            Security = _hosts.Security,
            Status = status,
            HostSessionId = hello.HostSessionId,
            Nonce = hello.Nonce,
            RekeyIntervalLog2 = System.Numerics.BitOperations.Log2(_options.RekeyIntervalFrames),
            TargetSessionId = session?.Id ?? 0,
            Capabilities = session?.Capabilities ?? 0,
            TargetName = _targetName,
            FunctionName = session is null ? default : session.FunctionNameUtf8,
            TargetNonce = targetNonce,
            LeaseMilliseconds = _options.LeaseMilliseconds,
            MaximumTransmissionUnit = session?.MaximumTransmissionUnit ?? _options.Link.MaximumTransmissionUnit,
        });

    private void Refuse(AcceptStatus status, in Hello hello, HostRecord host, MacAddress source)
    {
        _counters.Refused++;
        Answer(status, hello, host, source, session: null);
    }

    /// <summary>An answer that needs no elliptic curves, authenticated if there are keys.</summary>
    private void Answer(AcceptStatus status, in Hello hello, HostRecord host, MacAddress source, TargetSession? session)
    {
        Span<byte> message = _outbox.Message(Accept.Length);
        WriteAccept(message, status, hello, targetNonce: default, session);
        if (host.Credential is { } credential)
        {
            Accept.Authenticate(message, hello.Mac, credential);
        }

        _outbox.Post(FrameType.Accept, hello.HostSessionId, Accept.Length, source);
    }

    /// <summary>A refusal to somebody who could not authenticate: it proves nothing to its receiver, and few are sent.</summary>
    private void RefuseBlindly(AcceptStatus status, uint hostSessionId, ReadOnlySpan<byte> nonce, MacAddress source, long now)
    {
        if (!_blindRefusals.TryTake(now))
        {
            _counters.RateLimited++;
            return;
        }

        Accept.Write(_outbox.Message(Accept.Length), new AcceptFields
        {
            Security = _hosts.Security,
            Status = status,
            HostSessionId = hostSessionId,
            Nonce = nonce,
            TargetName = _targetName,
        });
        _outbox.Post(FrameType.Accept, hostSessionId, Accept.Length, source);
    }

    private void PostAccept(TargetSession session)
    {
        if (_outbox.IsFull)
        {
            return;
        }

        session.AcceptMessage.CopyTo(_outbox.Message(Accept.Length));
        _outbox.Post(FrameType.Accept, session.HostSessionId, Accept.Length, session.PeerAddress);
    }
}
