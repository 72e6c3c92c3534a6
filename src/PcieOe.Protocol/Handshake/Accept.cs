using System.Buffers.Binary;
using System.Security.Cryptography;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// A target grants or refuses a session (docs/wire-format.md, "Accept"). 384 bytes, big-endian:
/// <code>
///   0  version (8)   security (8)   status (8)   log2 of the rekey interval (8)
///   4  target's session id, 0 in a refusal (32)
///   8  host's session id (32)
///  12  capabilities that both have (32)
///  16  the hello's nonce (32 bytes)
///  48  public key: X and Y on P-256 (64 bytes), or zeros
/// 112  target name (64 bytes)
/// 176  function name (64 bytes)
/// 240  target's nonce (32 bytes)
/// 272  lease, milliseconds (32)
/// 276  MTU agreed (16)   zeros (16)
/// 280  reserved, zeros (72 bytes)
/// 352  HMAC-SHA256 over the hello's MAC and all before this, or zeros (32 bytes)
/// </code>
/// </summary>
internal readonly ref struct Accept
{
    public const int Length = Hello.Length;

    private const int SecurityOffset = 1;
    private const int StatusOffset = 2;
    private const int RekeyOffset = 3;
    private const int TargetSessionOffset = 4;
    private const int HostSessionOffset = 8;
    private const int CapabilitiesOffset = 12;
    private const int NonceOffset = 16;
    private const int PublicKeyOffset = 48;
    private const int TargetNameOffset = 112;
    private const int FunctionNameOffset = 176;
    private const int TargetNonceOffset = 240;
    private const int LeaseOffset = 272;
    private const int MtuOffset = 276;
    private const int MacOffset = 352;

    private readonly ReadOnlySpan<byte> _message;

    private Accept(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _message;

    public SecurityMode Security => (SecurityMode)_message[SecurityOffset];

    public AcceptStatus Status => (AcceptStatus)_message[StatusOffset];

    public int RekeyIntervalLog2 => _message[RekeyOffset];

    public uint TargetSessionId => BinaryPrimitives.ReadUInt32BigEndian(_message[TargetSessionOffset..]);

    public uint HostSessionId => BinaryPrimitives.ReadUInt32BigEndian(_message[HostSessionOffset..]);

    public uint Capabilities => BinaryPrimitives.ReadUInt32BigEndian(_message[CapabilitiesOffset..]);

    public ReadOnlySpan<byte> Nonce => _message.Slice(NonceOffset, Hello.NonceBytes);

    public ReadOnlySpan<byte> PublicKey => _message.Slice(PublicKeyOffset, Hello.PublicKeyBytes);

    public ReadOnlySpan<byte> TargetName => NameField.Read(_message[TargetNameOffset..]);

    public ReadOnlySpan<byte> FunctionName => NameField.Read(_message[FunctionNameOffset..]);

    public int LeaseMilliseconds => (int)(BinaryPrimitives.ReadUInt32BigEndian(_message[LeaseOffset..]) & int.MaxValue);

    public int MaximumTransmissionUnit => BinaryPrimitives.ReadUInt16BigEndian(_message[MtuOffset..]);

    /// <summary>Checks length, version and names. Afterwards no accessor fails.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out Accept accept)
    {
        accept = default;
        if (message.Length != Length
            || message[0] != Hello.CurrentVersion
            || message[SecurityOffset] > (byte)SecurityMode.PreSharedKey
            || !NameField.IsValidField(message[TargetNameOffset..])
            || !NameField.IsValidField(message[FunctionNameOffset..]))
        {
            return false;
        }

        accept = new Accept(message);
        return true;
    }

    /// <summary>Writes an answer without public key and MAC.</summary>
    public static void Write(Span<byte> message, in AcceptFields fields)
    {
        message = message[..Length];
        message.Clear();
        message[0] = Hello.CurrentVersion;
        message[SecurityOffset] = (byte)fields.Security;
        message[StatusOffset] = (byte)fields.Status;
        message[RekeyOffset] = (byte)fields.RekeyIntervalLog2;
        BinaryPrimitives.WriteUInt32BigEndian(message[TargetSessionOffset..], fields.TargetSessionId);
        BinaryPrimitives.WriteUInt32BigEndian(message[HostSessionOffset..], fields.HostSessionId);
        BinaryPrimitives.WriteUInt32BigEndian(message[CapabilitiesOffset..], fields.Capabilities);
        fields.Nonce.CopyTo(message[NonceOffset..]);
        NameField.Write(message[TargetNameOffset..], fields.TargetName);
        NameField.Write(message[FunctionNameOffset..], fields.FunctionName);
        fields.TargetNonce.CopyTo(message[TargetNonceOffset..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[LeaseOffset..], (uint)fields.LeaseMilliseconds);
        BinaryPrimitives.WriteUInt16BigEndian(message[MtuOffset..], (ushort)fields.MaximumTransmissionUnit);
    }

    public static Span<byte> PublicKeyField(Span<byte> message) => message.Slice(PublicKeyOffset, Hello.PublicKeyBytes);

    /// <summary>Binds the answer to the hello it answers, by the hello's own MAC.</summary>
    public static void Authenticate(Span<byte> message, ReadOnlySpan<byte> helloMac, HostCredential credential) =>
        credential.ComputeAcceptMac(helloMac, message[..MacOffset], message.Slice(MacOffset, Hello.MacBytes));

    public bool IsAuthentic(ReadOnlySpan<byte> helloMac, HostCredential credential)
    {
        Span<byte> expected = stackalloc byte[Hello.MacBytes];
        credential.ComputeAcceptMac(helloMac, _message[..MacOffset], expected);
        return CryptographicOperations.FixedTimeEquals(expected, _message.Slice(MacOffset, Hello.MacBytes));
    }
}

/// <summary>What a target puts into an <see cref="Accept"/>.</summary>
internal readonly ref struct AcceptFields
{
    public required SecurityMode Security { get; init; }

    public required AcceptStatus Status { get; init; }

    /// <summary>The hello's.</summary>
    public required uint HostSessionId { get; init; }

    /// <summary>The hello's.</summary>
    public required ReadOnlySpan<byte> Nonce { get; init; }

    public int RekeyIntervalLog2 { get; init; }

    public uint TargetSessionId { get; init; }

    public uint Capabilities { get; init; }

    public required ReadOnlySpan<byte> TargetName { get; init; }

    public ReadOnlySpan<byte> FunctionName { get; init; }

    public ReadOnlySpan<byte> TargetNonce { get; init; }

    public int LeaseMilliseconds { get; init; }

    public int MaximumTransmissionUnit { get; init; }
}
