using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// The host's side of the handshake: one attempt at a time, repeated until an answer comes that the target alone can have given
/// (docs/wire-format.md, "Handshake"). Elliptic curves are left to jobs that run elsewhere.
/// </summary>
internal sealed class HostHandshake : IDisposable
{
    private const int FrameBytes = FrameHeader.Length + Hello.Length + HandshakeFrame.CheckBytes;

    /// <summary>Answers to challenges between two timed hellos: a stranger's challenges do not make a host flood the segment.</summary>
    private const int MaximumChallengesAnswered = 4;

    /// <summary>Every so many hellos the host forgets cookie and address: what told it them may have been wrong, or is gone.</summary>
    private const int HellosUntilForgetting = 4;

    private readonly HostSessionOptions _options;
    private readonly IRandomSource _random;
    private readonly byte[] _hostName;
    private readonly byte[] _targetName;
    private readonly byte[] _functionName;
    private readonly byte[] _frame = GC.AllocateArray<byte>(FrameBytes, pinned: true);
    private readonly byte[] _nonce = new byte[Hello.NonceBytes];
    private readonly byte[] _cookie = new byte[Hello.CookieBytes];
    private readonly byte[] _publicKey = new byte[Hello.PublicKeyBytes];
    private ECDiffieHellman? _keyPair;
    private HandshakeJob? _job;
    private State _state;
    private ulong _attempt;
    private uint _resumeSessionId;
    private bool _isContinuation;
    private bool _helloDue;
    private int _hellosSent;
    private int _challengesAnswered;
    private long _interval;
    private long _nextHelloAt = long.MaxValue;
    private long _notBefore;

    public HostHandshake(HostSessionOptions options, IRandomSource random)
    {
        _options = options;
        _random = random;
        _hostName = NameField.Encode(options.HostName);
        _targetName = NameField.Encode(options.TargetName);
        _functionName = NameField.Encode(options.FunctionName);
        TargetAddress = options.TargetAddress;
    }

    private enum State : byte
    {
        Idle,
        MakingKeyPair,
        Asking,
        MakingKeys,
    }

    public bool IsIdle => _state == State.Idle;

    /// <summary>A target has granted a new session; its keys are being made.</summary>
    public bool IsMakingKeys => _state == State.MakingKeys;

    /// <summary>The id in the frames that answer this attempt, and of the session if it is a new one.</summary>
    public uint HostSessionId { get; private set; }

    public MacAddress TargetAddress { get; private set; }

    public long NextDeadline => _state == State.Asking ? _nextHelloAt : long.MaxValue;

    private ReadOnlySpan<byte> HelloMessage => _frame.AsSpan(FrameHeader.Length, Hello.Length);

    private SecurityMode Security => _options.Credential is null ? SecurityMode.Insecure : SecurityMode.PreSharedKey;

    /// <summary>Begins a new attempt; one under way is given up.</summary>
    /// <param name="resumeSessionId">The target's id of the session to resume; 0 if there is none.</param>
    /// <param name="isContinuation">The host's software knows the device from an earlier session.</param>
    public void Begin(uint resumeSessionId, bool isContinuation, long now)
    {
        Cancel();
        _resumeSessionId = resumeSessionId;
        _isContinuation = isContinuation;
        _attempt++;
        _random.Fill(_nonce);
        HostSessionId = SessionId.Create(_options.Index, _random.NextUInt32()).Value;
        _interval = _options.HelloIntervalMilliseconds * 1_000_000L;
        _hellosSent = 0;
        _notBefore = now;
        if (_options.Credential is null)
        {
            Ask(now);
            return;
        }

        _state = State.MakingKeyPair;
        _job = new HandshakeJob(HandshakeStep.HostKeyPair, _attempt);
    }

    public void Cancel()
    {
        _state = State.Idle;
        _job?.KeyPair?.Dispose();
        _job = null;
        _helloDue = false;
        _keyPair?.Dispose();
        _keyPair = null;
        TargetAddress = _options.TargetAddress;
        _cookie.AsSpan().Clear();
    }

    public bool TryTakeJob([NotNullWhen(true)] out HandshakeJob? job)
    {
        job = _job;
        _job = null;
        return job is not null;
    }

    public void OnChallenge(ReadOnlySpan<byte> message, MacAddress source)
    {
        if (_state != State.Asking
            || !Challenge.TryParse(message, out Challenge challenge)
            || challenge.HostSessionId != HostSessionId
            || !challenge.Nonce.SequenceEqual(_nonce)
            || _challengesAnswered == MaximumChallengesAnswered)
        {
            return;
        }

        _challengesAnswered++;
        challenge.Cookie.CopyTo(_cookie);
        TargetAddress = source;
        _helloDue = true;
    }

    /// <summary>Judges an answer. What is not meant for this attempt, or not the target's, is <see cref="HostAnswer.None"/>.</summary>
    public HostAnswer OnAccept(ReadOnlySpan<byte> message, MacAddress source, out Accept accept)
    {
        if (_state != State.Asking
            || !Accept.TryParse(message, out accept)
            || accept.HostSessionId != HostSessionId
            || !accept.Nonce.SequenceEqual(_nonce)
            || !Hello.TryParse(HelloMessage, out Hello hello))
        {
            accept = default;
            return HostAnswer.None;
        }

        bool isAuthentic = _options.Credential is not { } credential
            || (accept.Security == SecurityMode.PreSharedKey && accept.IsAuthentic(hello.Mac, credential));
        if (accept.Status.IsRefusal())
        {
            return isAuthentic ? HostAnswer.Refused : HostAnswer.RefusedBySomebody;
        }

        if (!isAuthentic || accept.Security != Security || !IsSane(accept))
        {
            return HostAnswer.None;
        }

        if (accept.Status == AcceptStatus.Resumed)
        {
            Cancel();
            TargetAddress = source;
            return HostAnswer.Resumed;
        }

        TargetAddress = source;
        _state = State.MakingKeys;
        _helloDue = false;
        _job = new HandshakeJob(HandshakeStep.HostKeys, _attempt)
        {
            Credential = _options.Credential,
            Hello = hello.Bytes.ToArray(),
            Accept = accept.Bytes.ToArray(),
            KeyPair = _keyPair,
            RekeyIntervalFrames = 1ul << accept.RekeyIntervalLog2,
        };
        _keyPair = null;
        return HostAnswer.Granted;
    }

    /// <summary>A job came back. True: the session's keys are made, and the attempt is over.</summary>
    public bool OnResult(HandshakeResult result, long now)
    {
        if (result.Job.Attempt != _attempt || _state is not (State.MakingKeyPair or State.MakingKeys))
        {
            result.Dispose();
            return false;
        }

        if (_state == State.MakingKeyPair)
        {
            Debug.Assert(result.Job.Step == HandshakeStep.HostKeyPair);
            _keyPair = result.KeyPair;
            result.PublicKey.CopyTo(_publicKey, 0);
            Ask(now);
            return false;
        }

        if (!result.Succeeded)
        {
            // An authentic target with an impossible key is out of order; it is asked again as if it had not answered.
            Begin(_resumeSessionId, _isContinuation, now);
            _notBefore = now + _options.MaximumHelloIntervalMilliseconds * 1_000_000L;
            return false;
        }

        _state = State.Idle;
        return true;
    }

    public void OnTimer(long now)
    {
        if (_state != State.Asking || now < _nextHelloAt)
        {
            return;
        }

        _helloDue = true;
        _challengesAnswered = 0;
        if (_hellosSent >= HellosUntilForgetting)
        {
            _hellosSent = 0;
            _cookie.AsSpan().Clear();
            TargetAddress = _options.TargetAddress;
        }

        // Hosts that lost the same target at the same time do not ask in step.
        _nextHelloAt = now + _interval + (long)(_interval / 4 * (_random.NextUInt32() / (double)uint.MaxValue));
        _interval = Math.Min(2 * _interval, _options.MaximumHelloIntervalMilliseconds * 1_000_000L);
    }

    /// <summary>Asks at the slowest pace from now on.</summary>
    public void SlowDown() => _interval = _options.MaximumHelloIntervalMilliseconds * 1_000_000L;

    public bool TryGetFrameToSend(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination)
    {
        destination = TargetAddress;
        if (!_helloDue)
        {
            content = default;
            return false;
        }

        _helloDue = false;
        _hellosSent++;
        Span<byte> message = _frame.AsSpan(FrameHeader.Length, Hello.Length);
        Hello.Write(message, new HelloFields
        {
            Security = Security,
            MaximumTransmissionUnit = _options.Link.MaximumTransmissionUnit,
            HostSessionId = HostSessionId,
            ResumeSessionId = _resumeSessionId,
            Capabilities = _options.Capabilities,
            IsContinuation = _isContinuation,
            Nonce = _nonce,
            PublicKey = _publicKey,
            HostName = _hostName,
            TargetName = _targetName,
            FunctionName = _functionName,
            Cookie = _cookie,
        });
        if (_options.Credential is { } credential)
        {
            Hello.Authenticate(message, credential);
        }

        int length = HandshakeFrame.Finish(_frame, FrameType.Hello, sessionId: 0, Hello.Length);
        _frame.AsSpan(0, FrameHeader.Length).CopyTo(header);
        content = _frame.AsSpan(FrameHeader.Length, length - FrameHeader.Length);
        return true;
    }

    public void Dispose() => Cancel();

    private void Ask(long now)
    {
        _state = State.Asking;
        _nextHelloAt = Math.Max(now, _notBefore);
        OnTimer(now);
    }

    /// <summary>What an honest target never says is not believed of an authentic one either.</summary>
    private bool IsSane(in Accept accept) =>
        (_targetName.Length == 0 || accept.TargetName.SequenceEqual(_targetName))
        && accept.MaximumTransmissionUnit >= Link.LinkOptions.MinimumMtu
        && accept.MaximumTransmissionUnit <= _options.Link.MaximumTransmissionUnit
        && accept.RekeyIntervalLog2 is >= 6 and <= 32
        && (accept.Status == AcceptStatus.Resumed
            ? _resumeSessionId != 0 && accept.TargetSessionId == _resumeSessionId
            : accept.Status == AcceptStatus.New && accept.TargetSessionId != 0);
}

/// <summary>What an answer to a hello means.</summary>
internal enum HostAnswer : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The old session goes on.</summary>
    Resumed,

    /// <summary>There is a new session as soon as its keys are made.</summary>
    Granted,

    /// <summary>The target refused.</summary>
    Refused,

    /// <summary>Somebody refused, perhaps the target.</summary>
    RefusedBySomebody,
}
