namespace PcieOe.Protocol.Handshake;

/// <summary>How a session is protected, as handshake messages name it.</summary>
public enum SecurityMode : byte
{
    /// <summary>Not at all: CRC-32C guards against damage, nothing against people.</summary>
    Insecure = 0,

    /// <summary>A pre-shared key for each host authenticates an ECDHE exchange on P-256; frames are sealed with AES-256-GCM.</summary>
    PreSharedKey = 1,
}
