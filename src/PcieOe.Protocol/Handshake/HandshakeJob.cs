using System.Security.Cryptography;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// The slow part of a handshake step (elliptic curves, allocations; up to half a millisecond), made so that it can run on another thread:
/// it holds all it needs. <see cref="HandshakeWork.Execute"/> turns it into a <see cref="HandshakeResult"/>, which goes back to the
/// engine the job came from.
/// </summary>
public sealed class HandshakeJob
{
    internal HandshakeJob(HandshakeStep step, ulong attempt)
    {
        Step = step;
        Attempt = attempt;
    }

    internal HandshakeStep Step { get; }

    /// <summary>The engine's own name for the attempt, by which it recognises a result that comes too late.</summary>
    internal ulong Attempt { get; }

    /// <summary>Null in a session without keys.</summary>
    internal HostCredential? Credential { get; init; }

    /// <summary>The hello, authenticated.</summary>
    internal byte[] Hello { get; init; } = [];

    /// <summary>A target's draft without public key and MAC; a host's as it came.</summary>
    internal byte[] Accept { get; init; } = [];

    /// <summary>A host's; the step that uses it disposes of it.</summary>
    internal ECDiffieHellman? KeyPair { get; init; }

    internal ulong RekeyIntervalFrames { get; init; } = FrameCipher.DefaultRekeyIntervalFrames;
}

internal enum HandshakeStep : byte
{
    /// <summary>A host makes its key pair.</summary>
    HostKeyPair,

    /// <summary>A host derives the session's keys from an accept whose MAC is right.</summary>
    HostKeys,

    /// <summary>A target makes its key pair, derives the session's keys, and completes its accept.</summary>
    TargetKeys,
}

/// <summary>What came of a <see cref="HandshakeJob"/>. Belongs to the engine that gets it.</summary>
public sealed class HandshakeResult : IDisposable
{
    internal HandshakeResult(HandshakeJob job) => Job = job;

    internal HandshakeJob Job { get; }

    /// <summary>False: the peer's public key is no point of the curve.</summary>
    internal bool Succeeded { get; init; }

    internal ECDiffieHellman? KeyPair { get; init; }

    /// <summary>X and Y.</summary>
    internal byte[] PublicKey { get; init; } = [];

    internal FrameCipher? Cipher { get; init; }

    /// <summary>Frees the keys of a result that is of no use any more.</summary>
    public void Dispose()
    {
        KeyPair?.Dispose();
        Cipher?.Dispose();
    }
}
