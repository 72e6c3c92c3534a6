using System.Text;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Discovery;

/// <summary>
/// Asks a segment which targets there are, and each of them for its functions (docs/wire-format.md, "Discovery"). Sans-I/O; used once,
/// for as long as its owner cares to wait.
/// </summary>
public sealed class DiscoveryClient
{
    /// <summary>More targets than this are not listed.</summary>
    public const int MaximumTargets = 256;

    private const int Rounds = 3;
    private const int MaximumPages = 256;
    private const long RoundNanoseconds = 100_000_000;

    private readonly byte[] _hostName;
    private readonly HostCredential? _credential;
    private readonly List<DiscoveredTarget> _targets = [];
    private readonly byte[] _nonce = new byte[Hello.NonceBytes];
    private readonly byte[] _frame = GC.AllocateArray<byte>(FrameHeader.Length + Discover.Length + HandshakeFrame.CheckBytes, pinned: true);
    private int _roundsLeft = Rounds;
    private bool _askDue;

    /// <param name="credential">Null: only what strangers are told.</param>
    public DiscoveryClient(string hostName, HostCredential? credential, IRandomSource random, long now)
    {
        ArgumentNullException.ThrowIfNull(random);
        _hostName = NameField.Encode(hostName);
        _credential = credential;
        random.Fill(_nonce);
        NextDeadline = now;
    }

    public IReadOnlyList<DiscoveredTarget> Targets => _targets;

    public long NextDeadline { get; private set; }

    public void OnTimer(long now)
    {
        if (now < NextDeadline)
        {
            return;
        }

        _roundsLeft--;
        NextDeadline = _roundsLeft > 0 ? now + RoundNanoseconds : long.MaxValue;
        _askDue = true;
        foreach (DiscoveredTarget target in _targets)
        {
            target.PageToAsk = NextPage(target);
        }
    }

    /// <summary>Takes a frame of this protocol, from its own header on; Ethernet's padding may follow.</summary>
    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source)
    {
        if (!FrameView.TryParse(frame, out FrameView view)
            || view.Header.Type != FrameType.Offer
            || !HandshakeFrame.TryOpen(view, out ReadOnlySpan<byte> message)
            || !Offer.TryParse(message, out Offer offer)
            || !offer.Nonce.SequenceEqual(_nonce)
            || Find(Encoding.UTF8.GetString(offer.TargetName), source) is not { } target)
        {
            return;
        }

        bool isAuthentic = _credential is not null && target.DiscoverMac.Length != 0 && offer.IsAuthentic(target.DiscoverMac, _credential);
        if (target.IsAuthentic && !isAuthentic)
        {
            return;
        }

        target.IsAuthentic |= isAuthentic;
        target.Security = offer.Security;
        target.MaximumTransmissionUnit = offer.MaximumTransmissionUnit;
        if (offer.Security == SecurityMode.PreSharedKey && !isAuthentic)
        {
            target.Cookie = offer.Cookie.ToArray();
            target.PageToAsk = _credential is null ? -1 : 0;
            return;
        }

        if (offer.Page * Offer.MaximumFunctions == target.Functions.Count)
        {
            target.FunctionCount = offer.Total;
            target.AddFunctions(offer);
            target.PageToAsk = offer.Count != 0 ? NextPage(target) : -1;
        }
    }

    /// <summary>The next frame to send. <paramref name="content"/> stays as it is until the next call, so frames are sent one by one.</summary>
    public bool TryGetFrameToSend(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination)
    {
        if (_askDue)
        {
            _askDue = false;
            destination = HandshakeAddresses.Targets;
            content = Write(header, page: 0, cookie: default, credential: null);
            return true;
        }

        foreach (DiscoveredTarget target in _targets)
        {
            if (target.PageToAsk < 0 || (target.Security == SecurityMode.PreSharedKey && _credential is null))
            {
                continue;
            }

            destination = target.Address;
            HostCredential? credential = target.Security == SecurityMode.PreSharedKey ? _credential : null;
            content = Write(header, target.PageToAsk, target.Cookie, credential);
            target.PageToAsk = -1;
            target.DiscoverMac = _frame.AsSpan(FrameHeader.Length + Discover.MacOffset, HostCredential.MacBytes).ToArray();
            return true;
        }

        content = default;
        destination = default;
        return false;
    }

    /// <summary>The first page that has not come; -1 if there is none, or nobody to ask for it.</summary>
    private int NextPage(DiscoveredTarget target)
    {
        bool mayAsk = target.Security == SecurityMode.Insecure || (_credential is not null && target.Cookie.Length != 0);
        int page = target.Functions.Count / Offer.MaximumFunctions;
        return mayAsk && target.Functions.Count != target.FunctionCount && page < MaximumPages ? page : -1;
    }

    private DiscoveredTarget? Find(string name, MacAddress address)
    {
        foreach (DiscoveredTarget known in _targets)
        {
            if (known.Address == address && known.Name == name)
            {
                return known;
            }
        }

        if (_targets.Count == MaximumTargets)
        {
            return null;
        }

        var target = new DiscoveredTarget(name, address);
        _targets.Add(target);
        return target;
    }

    private ReadOnlySpan<byte> Write(Span<byte> header, int page, ReadOnlySpan<byte> cookie, HostCredential? credential)
    {
        Discover.Write(_frame.AsSpan(FrameHeader.Length), _nonce, _hostName, page, cookie, credential);
        int length = HandshakeFrame.Finish(_frame, FrameType.Discover, sessionId: 0, Discover.Length);
        _frame.AsSpan(0, FrameHeader.Length).CopyTo(header);
        return _frame.AsSpan(FrameHeader.Length, length - FrameHeader.Length);
    }
}
