using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Discovery;

/// <summary>
/// A target's answer to a discover (docs/wire-format.md, "Offer"), big-endian, at most as long as a <see cref="Discover"/>:
/// <code>
///   0  version (8)   security (8)   page (8)   functions in this page (8)
///   4  functions in all (16)   MTU (16)
///   8  the discover's nonce (32 bytes)
///  40  target name (64 bytes)
/// 104  cookie, where the list asks for authentication, or zeros (32 bytes)
/// 136  functions, 80 bytes each: name (64 bytes), size in bytes (64), state (8), zeros (56)
///      HMAC-SHA256 over the discover's MAC and all before this, or zeros (32 bytes)
/// </code>
/// </summary>
internal readonly ref struct Offer
{
    public const int MaximumFunctions = (Discover.Length - FunctionsOffset - HostCredential.MacBytes) / FunctionBytes;

    private const int SecurityOffset = 1;
    private const int PageOffset = 2;
    private const int CountOffset = 3;
    private const int TotalOffset = 4;
    private const int MtuOffset = 6;
    private const int NonceOffset = 8;
    private const int TargetNameOffset = 40;
    private const int CookieOffset = 104;
    private const int FunctionsOffset = 136;
    private const int FunctionBytes = 80;
    private const int SizeOffset = NameField.Length;
    private const int StateOffset = SizeOffset + sizeof(ulong);

    private readonly ReadOnlySpan<byte> _message;

    private Offer(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>What sessions with this target ask for.</summary>
    public SecurityMode Security => (SecurityMode)_message[SecurityOffset];

    public int Page => _message[PageOffset];

    public int Count => _message[CountOffset];

    public int Total => BinaryPrimitives.ReadUInt16BigEndian(_message[TotalOffset..]);

    public int MaximumTransmissionUnit => BinaryPrimitives.ReadUInt16BigEndian(_message[MtuOffset..]);

    public ReadOnlySpan<byte> Nonce => _message.Slice(NonceOffset, Hello.NonceBytes);

    public ReadOnlySpan<byte> TargetName => NameField.Read(_message[TargetNameOffset..]);

    public ReadOnlySpan<byte> Cookie => _message.Slice(CookieOffset, Hello.CookieBytes);

    public static bool TryParse(ReadOnlySpan<byte> message, out Offer offer)
    {
        offer = default;
        if (message.Length < Bytes(0)
            || message[0] != Hello.CurrentVersion
            || message[SecurityOffset] > (byte)SecurityMode.PreSharedKey
            || message[CountOffset] > MaximumFunctions
            || message.Length != Bytes(message[CountOffset])
            || message[TargetNameOffset] == 0
            || !NameField.IsValidField(message[TargetNameOffset..]))
        {
            return false;
        }

        for (int i = 0; i < message[CountOffset]; i++)
        {
            ReadOnlySpan<byte> function = message[(FunctionsOffset + i * FunctionBytes)..];
            if (function[0] == 0 || !NameField.IsValidField(function))
            {
                return false;
            }
        }

        offer = new Offer(message);
        return true;
    }

    public FunctionOffer Function(int index)
    {
        ReadOnlySpan<byte> function = _message.Slice(FunctionsOffset + index * FunctionBytes, FunctionBytes);
        return new FunctionOffer(
            Encoding.UTF8.GetString(NameField.Read(function)),
            BinaryPrimitives.ReadInt64BigEndian(function[SizeOffset..]),
            (FunctionState)function[StateOffset]);
    }

    public bool IsAuthentic(ReadOnlySpan<byte> discoverMac, HostCredential credential)
    {
        Span<byte> expected = stackalloc byte[HostCredential.MacBytes];
        credential.ComputeOfferMac(discoverMac, _message[..^HostCredential.MacBytes], expected);
        return CryptographicOperations.FixedTimeEquals(expected, _message[^HostCredential.MacBytes..]);
    }

    public static int Bytes(int functions) => FunctionsOffset + functions * FunctionBytes + HostCredential.MacBytes;

    /// <summary>Writes an offer without MAC; returns where a cookie may go.</summary>
    public static Span<byte> Write(
        Span<byte> message,
        SecurityMode security,
        int mtu,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> targetName,
        int page,
        int total,
        ReadOnlySpan<FunctionOffer> functions)
    {
        message = message[..Bytes(functions.Length)];
        message.Clear();
        message[0] = Hello.CurrentVersion;
        message[SecurityOffset] = (byte)security;
        message[PageOffset] = (byte)page;
        message[CountOffset] = (byte)functions.Length;
        BinaryPrimitives.WriteUInt16BigEndian(message[TotalOffset..], (ushort)total);
        BinaryPrimitives.WriteUInt16BigEndian(message[MtuOffset..], (ushort)mtu);
        nonce.CopyTo(message[NonceOffset..]);
        NameField.Write(message[TargetNameOffset..], targetName);
        for (int i = 0; i < functions.Length; i++)
        {
            Span<byte> function = message.Slice(FunctionsOffset + i * FunctionBytes, FunctionBytes);
            NameField.Write(function, NameField.Encode(functions[i].Name));
            BinaryPrimitives.WriteInt64BigEndian(function[SizeOffset..], functions[i].SizeBytes);
            function[StateOffset] = (byte)functions[i].State;
        }

        return message.Slice(CookieOffset, Hello.CookieBytes);
    }

    public static void Authenticate(Span<byte> message, ReadOnlySpan<byte> discoverMac, HostCredential credential) =>
        credential.ComputeOfferMac(discoverMac, message[..^HostCredential.MacBytes], message[^HostCredential.MacBytes..]);
}
