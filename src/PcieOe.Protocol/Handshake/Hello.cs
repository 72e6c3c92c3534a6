using System.Buffers.Binary;
using System.Security.Cryptography;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// A host asks for a session with a function (docs/wire-format.md, "Hello"). 384 bytes, big-endian, as long as the longest answer:
/// <code>
///   0  version (8)   security (8)   MTU (16)
///   4  host's session id (32)
///   8  target's id of the session to resume, or 0 (32)
///  12  capabilities (32)
///  16  nonce (32 bytes)
///  48  public key: X and Y on P-256 (64 bytes), or zeros
/// 112  host name (64 bytes)
/// 176  target name, empty: whoever receives it (64 bytes)
/// 240  function name, empty: any (64 bytes)
/// 304  cookie, or zeros (32 bytes)
/// 336  flags (8; bit 0: the host goes on with a device it had before)   reserved, zeros (15 bytes)
/// 352  HMAC-SHA256 over all before it, or zeros (32 bytes)
/// </code>
/// </summary>
internal readonly ref struct Hello
{
    public const int Length = 384;
    public const int NonceBytes = 32;
    public const int PublicKeyBytes = 64;
    public const int CookieBytes = 32;
    public const int MacBytes = 32;
    public const byte CurrentVersion = 1;

    private const byte ContinuationFlag = 1;

    private const int SecurityOffset = 1;
    private const int MtuOffset = 2;
    private const int HostSessionOffset = 4;
    private const int ResumeOffset = 8;
    private const int CapabilitiesOffset = 12;
    private const int NonceOffset = 16;
    private const int PublicKeyOffset = 48;
    private const int HostNameOffset = 112;
    private const int TargetNameOffset = 176;
    private const int FunctionNameOffset = 240;
    private const int CookieOffset = 304;
    private const int FlagsOffset = 336;
    private const int ReservedOffset = 337;
    private const int MacOffset = 352;

    private readonly ReadOnlySpan<byte> _message;

    private Hello(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _message;

    public SecurityMode Security => (SecurityMode)_message[SecurityOffset];

    public int MaximumTransmissionUnit => BinaryPrimitives.ReadUInt16BigEndian(_message[MtuOffset..]);

    public uint HostSessionId => BinaryPrimitives.ReadUInt32BigEndian(_message[HostSessionOffset..]);

    public uint ResumeSessionId => BinaryPrimitives.ReadUInt32BigEndian(_message[ResumeOffset..]);

    public uint Capabilities => BinaryPrimitives.ReadUInt32BigEndian(_message[CapabilitiesOffset..]);

    /// <summary>The host's software goes on with a device that it knows from an earlier session.</summary>
    public bool IsContinuation => (_message[FlagsOffset] & ContinuationFlag) != 0;

    public ReadOnlySpan<byte> Nonce => _message.Slice(NonceOffset, NonceBytes);

    public ReadOnlySpan<byte> PublicKey => _message.Slice(PublicKeyOffset, PublicKeyBytes);

    public ReadOnlySpan<byte> HostName => NameField.Read(_message[HostNameOffset..]);

    public ReadOnlySpan<byte> TargetName => NameField.Read(_message[TargetNameOffset..]);

    public ReadOnlySpan<byte> FunctionName => NameField.Read(_message[FunctionNameOffset..]);

    public ReadOnlySpan<byte> Cookie => _message.Slice(CookieOffset, CookieBytes);

    public ReadOnlySpan<byte> Mac => _message.Slice(MacOffset, MacBytes);

    /// <summary>
    /// What a hello of every version has at the same place, so that a target can refuse one it does not know. False: not even that.
    /// </summary>
    public static bool TryPeek(ReadOnlySpan<byte> message, out byte version, out uint hostSessionId, out ReadOnlySpan<byte> nonce)
    {
        if (message.Length < Length)
        {
            version = 0;
            hostSessionId = 0;
            nonce = default;
            return false;
        }

        version = message[0];
        hostSessionId = BinaryPrimitives.ReadUInt32BigEndian(message[HostSessionOffset..]);
        nonce = message.Slice(NonceOffset, NonceBytes);
        return true;
    }

    /// <summary>
    /// Checks length, version, names and that at least the host is named; a host's session id is never 0. Afterwards no accessor fails.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out Hello hello)
    {
        hello = default;
        if (message.Length != Length
            || message[0] != CurrentVersion
            || message[SecurityOffset] > (byte)SecurityMode.PreSharedKey
            || message[HostNameOffset] == 0
            || !NameField.IsValidField(message[HostNameOffset..])
            || !NameField.IsValidField(message[TargetNameOffset..])
            || !NameField.IsValidField(message[FunctionNameOffset..])
            || message[ReservedOffset..MacOffset].ContainsAnyExcept((byte)0))
        {
            return false;
        }

        hello = new Hello(message);
        return hello.HostSessionId != 0;
    }

    /// <summary>Writes a message without its MAC; <see cref="Authenticate"/> adds that.</summary>
    public static void Write(Span<byte> message, in HelloFields fields)
    {
        message = message[..Length];
        message.Clear();
        message[0] = CurrentVersion;
        message[SecurityOffset] = (byte)fields.Security;
        BinaryPrimitives.WriteUInt16BigEndian(message[MtuOffset..], (ushort)fields.MaximumTransmissionUnit);
        BinaryPrimitives.WriteUInt32BigEndian(message[HostSessionOffset..], fields.HostSessionId);
        BinaryPrimitives.WriteUInt32BigEndian(message[ResumeOffset..], fields.ResumeSessionId);
        BinaryPrimitives.WriteUInt32BigEndian(message[CapabilitiesOffset..], fields.Capabilities);
        fields.Nonce.CopyTo(message[NonceOffset..]);
        fields.PublicKey.CopyTo(message[PublicKeyOffset..]);
        NameField.Write(message[HostNameOffset..], fields.HostName);
        NameField.Write(message[TargetNameOffset..], fields.TargetName);
        NameField.Write(message[FunctionNameOffset..], fields.FunctionName);
        fields.Cookie.CopyTo(message[CookieOffset..]);
        message[FlagsOffset] = fields.IsContinuation ? ContinuationFlag : (byte)0;
    }

    public static void Authenticate(Span<byte> message, HostCredential credential) =>
        credential.ComputeHelloMac(message[..MacOffset], message.Slice(MacOffset, MacBytes));

    public bool IsAuthentic(HostCredential credential)
    {
        Span<byte> expected = stackalloc byte[MacBytes];
        credential.ComputeHelloMac(_message[..MacOffset], expected);
        return CryptographicOperations.FixedTimeEquals(expected, Mac);
    }
}

/// <summary>What a host puts into a <see cref="Hello"/>.</summary>
internal readonly ref struct HelloFields
{
    public required SecurityMode Security { get; init; }

    public required int MaximumTransmissionUnit { get; init; }

    public required uint HostSessionId { get; init; }

    public uint ResumeSessionId { get; init; }

    public uint Capabilities { get; init; }

    public bool IsContinuation { get; init; }

    public required ReadOnlySpan<byte> Nonce { get; init; }

    public ReadOnlySpan<byte> PublicKey { get; init; }

    public required ReadOnlySpan<byte> HostName { get; init; }

    public ReadOnlySpan<byte> TargetName { get; init; }

    public ReadOnlySpan<byte> FunctionName { get; init; }

    public ReadOnlySpan<byte> Cookie { get; init; }
}
