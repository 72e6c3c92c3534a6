using System.Buffers.Binary;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// What a host's hellos of the last <see cref="CookieJar.LifetimeNanoseconds"/> led to. A hello costs elliptic curves once: seen again,
/// it is a retransmission, which gets the same answer, or a replay, which gets none. The rate bounds how many new ones a host may send, so
/// that the ring remembers each for as long as its cookie is good.
/// </summary>
internal sealed class HelloHistory
{
    public const int Capacity = 256;

    private const int Burst = 128;
    private const int RatePerSecond = 6;

    private readonly ulong[] _digests = new ulong[Capacity];
    private readonly uint[] _sessionIds = new uint[Capacity];
    private TokenBucket _bucket = TokenBucket.PerSecond(RatePerSecond, Burst);
    private int _next;

    /// <summary>Names a hello. With keys its MAC does, which nobody else can make; without keys nonce and cookie.</summary>
    public static ulong Digest(in Hello hello) => hello.Security == SecurityMode.PreSharedKey
        ? BinaryPrimitives.ReadUInt64BigEndian(hello.Mac)
        : BinaryPrimitives.ReadUInt64BigEndian(hello.Nonce) ^ BinaryPrimitives.ReadUInt64BigEndian(hello.Cookie[8..]);

    public bool TryFind(ulong digest, out uint sessionId)
    {
        int index = _digests.AsSpan().IndexOf(digest);
        sessionId = index < 0 ? 0 : _sessionIds[index];
        return index >= 0;
    }

    public bool MayAdd(long now) => _bucket.TryTake(now);

    public void Add(ulong digest, uint sessionId)
    {
        _digests[_next] = digest;
        _sessionIds[_next] = sessionId;
        _next = (_next + 1) % Capacity;
    }
}
