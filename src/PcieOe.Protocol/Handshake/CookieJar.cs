using System.Buffers.Binary;
using System.Security.Cryptography;
using PcieOe.Protocol.Ethernet;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// Makes and recognises the cookies of challenges without keeping any: a MAC over the peer's address, its session id and nonce, and the
/// time, under a key that only this process knows. Who returns one receives at the address it claims, now: a cookie is good for 10 to 20
/// seconds, and for nobody else.
/// </summary>
internal sealed class CookieJar
{
    public const long LifetimeNanoseconds = 2 * PeriodNanoseconds;

    private const long PeriodNanoseconds = 10_000_000_000;
    private const int InputBytes = sizeof(long) + sizeof(ulong) + sizeof(uint) + Hello.NonceBytes;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <param name="id">Any number of the peer's; with <paramref name="nonce"/> (32 bytes) it names what the cookie is for.</param>
    public void Bake(MacAddress address, uint id, ReadOnlySpan<byte> nonce, long now, Span<byte> cookie) =>
        Compute(address, id, nonce, Period(now), cookie);

    public bool Recognises(MacAddress address, uint id, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cookie, long now)
    {
        // The cookie's first byte is that of its period, so that one MAC decides.
        long period = Period(now);
        if (cookie[0] != (byte)period)
        {
            period--;
            if (cookie[0] != (byte)period)
            {
                return false;
            }
        }

        Span<byte> expected = stackalloc byte[Hello.CookieBytes];
        Compute(address, id, nonce, period, expected);
        return CryptographicOperations.FixedTimeEquals(expected, cookie);
    }

    private static long Period(long now) => now / PeriodNanoseconds;

    private void Compute(MacAddress address, uint id, ReadOnlySpan<byte> nonce, long period, Span<byte> cookie)
    {
        Span<byte> input = stackalloc byte[InputBytes];
        BinaryPrimitives.WriteInt64BigEndian(input, period);
        BinaryPrimitives.WriteUInt64BigEndian(input[8..], address.Value);
        BinaryPrimitives.WriteUInt32BigEndian(input[16..], id);
        nonce.CopyTo(input[20..]);
        HMACSHA256.HashData(_key, input, cookie);
        cookie[0] = (byte)period;
    }
}
