using System.Diagnostics.CodeAnalysis;
using System.Text;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Protocol.Discovery;

/// <summary>
/// A target's side of discovery (docs/wire-format.md, "Discovery"). Anybody learns its name and whether it asks for keys; the list of
/// functions goes, on a target with keys, only to a host that shows its MAC and, by a cookie, its address. Answers to strangers wait a
/// random moment, so that a segment full of targets does not answer in one burst.
/// </summary>
internal sealed class DiscoveryResponder
{
    private const int AnswersPerSecond = 100;
    private const int AnswersBurst = 50;
    private const int Capacity = 64;
    private const long SpreadNanoseconds = 20_000_000;

    private readonly TargetSessionsOptions _options;
    private readonly ISessionRegistry _registry;
    private readonly HostRecords _hosts;
    private readonly CookieJar _cookies;
    private readonly IRandomSource _random;
    private readonly byte[] _targetName;
    private readonly PriorityQueue<Request, long> _waiting = new(Capacity);
    private readonly HandshakeOutbox _outbox = new(Capacity, FrameHeader.Length + Discover.Length + HandshakeFrame.CheckBytes);
    private TokenBucket _answers = TokenBucket.PerSecond(AnswersPerSecond, AnswersBurst);

    public DiscoveryResponder(
        TargetSessionsOptions options, ISessionRegistry registry, HostRecords hosts, CookieJar cookies, IRandomSource random)
    {
        _options = options;
        _registry = registry;
        _hosts = hosts;
        _cookies = cookies;
        _random = random;
        _targetName = NameField.Encode(options.TargetName);
    }

    public long NextDeadline => _waiting.TryPeek(out _, out long dueAt) ? dueAt : long.MaxValue;

    public void OnDiscover(in FrameView frame, MacAddress source, long now)
    {
        if (_outbox.IsFull
            || _waiting.Count == Capacity
            || !HandshakeFrame.TryOpen(frame, out ReadOnlySpan<byte> message)
            || !Discover.TryParse(message, out Discover discover)
            || !_answers.TryTake(now))
        {
            return;
        }

        if (TryAuthenticate(discover, source, now, out HostCredential? credential))
        {
            PostList(discover.Nonce, credential.HostName, discover.Page, source, discover.Mac, credential);
            return;
        }

        string hostName = Encoding.UTF8.GetString(discover.HostName);
        long delay = (long)(SpreadNanoseconds * (_random.NextUInt32() / (double)uint.MaxValue));
        _waiting.Enqueue(new Request(source, discover.Nonce.ToArray(), hostName, discover.Page), now + delay);
    }

    public void OnTimer(long now)
    {
        while (NextDeadline <= now && !_outbox.IsFull)
        {
            Request request = _waiting.Dequeue();
            if (_hosts.IsKeyed)
            {
                PostName(request, now);
            }
            else
            {
                PostList(request.Nonce, request.HostName, request.Page, request.Source, discoverMac: default, credential: null);
            }
        }
    }

    public bool TryGetFrameToSend(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination) =>
        _outbox.TryTake(header, out content, out destination);

    private bool TryAuthenticate(in Discover discover, MacAddress source, long now, [NotNullWhen(true)] out HostCredential? credential)
    {
        credential = null;
        if (!_hosts.IsKeyed
            || discover.Security != SecurityMode.PreSharedKey
            || !_cookies.Recognises(source, id: 0, discover.Nonce, discover.Cookie, now))
        {
            return false;
        }

        HostCredential candidate = _hosts.CredentialToCheck(discover.HostName, out bool isKnown);
        credential = discover.IsAuthentic(candidate) && isKnown ? candidate : null;
        return credential is not null;
    }

    private void PostName(Request request, long now)
    {
        int bytes = Offer.Bytes(functions: 0);
        Span<byte> cookie = Offer.Write(
            _outbox.Message(bytes), _hosts.Security, _options.Link.MaximumTransmissionUnit, request.Nonce, _targetName, page: 0, total: 0, []);
        _cookies.Bake(request.Source, id: 0, request.Nonce, now, cookie);
        Post(bytes, request.Source);
    }

    private void PostList(
        ReadOnlySpan<byte> nonce, string hostName, int page, MacAddress destination, ReadOnlySpan<byte> discoverMac, HostCredential? credential)
    {
        FunctionOffer[] offers = [.. _registry.ListOffers(hostName)];
        int first = Math.Min(page * Offer.MaximumFunctions, offers.Length);
        ReadOnlySpan<FunctionOffer> inPage = offers.AsSpan(first, Math.Min(Offer.MaximumFunctions, offers.Length - first));
        int bytes = Offer.Bytes(inPage.Length);
        Span<byte> message = _outbox.Message(bytes);
        Offer.Write(message, _hosts.Security, _options.Link.MaximumTransmissionUnit, nonce, _targetName, page, offers.Length, inPage);
        if (credential is not null)
        {
            Offer.Authenticate(message, discoverMac, credential);
        }

        Post(bytes, destination);
    }

    private void Post(int bytes, MacAddress destination)
    {
        _outbox.Post(FrameType.Offer, sessionId: 0, bytes, destination);
    }

    private sealed record Request(MacAddress Source, byte[] Nonce, string HostName, int Page);
}
