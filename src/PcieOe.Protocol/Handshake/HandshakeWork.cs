using System.Diagnostics;
using System.Security.Cryptography;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Handshake;

/// <summary>The slow part of the handshake. Touches nothing but the job, so any thread may run it.</summary>
public static class HandshakeWork
{
    private const int CoordinateBytes = Hello.PublicKeyBytes / 2;

    public static HandshakeResult Execute(HandshakeJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return job.Step switch
        {
            HandshakeStep.HostKeyPair => MakeHostKeyPair(job),
            HandshakeStep.HostKeys => DeriveHostKeys(job),
            HandshakeStep.TargetKeys => DeriveTargetKeys(job),
            _ => throw new UnreachableException(),
        };
    }

    private static HandshakeResult MakeHostKeyPair(HandshakeJob job)
    {
        ECDiffieHellman keyPair = MakeKeyPair(out byte[] publicKey);
        return new HandshakeResult(job) { Succeeded = true, KeyPair = keyPair, PublicKey = publicKey };
    }

    private static HandshakeResult DeriveHostKeys(HandshakeJob job)
    {
        if (job.Credential is null)
        {
            return new HandshakeResult(job) { Succeeded = true };
        }

        using ECDiffieHellman keyPair = job.KeyPair!;
        byte[]? agreement = TryAgree(keyPair, Accept.PublicKeyField(job.Accept));
        if (agreement is null)
        {
            return new HandshakeResult(job);
        }

        Span<byte> hostSecret = stackalloc byte[FrameCipher.SecretBytes], targetSecret = stackalloc byte[FrameCipher.SecretBytes];
        job.Credential.DeriveSessionSecrets(agreement, job.Hello, job.Accept, hostSecret, targetSecret);
        var cipher = new FrameCipher(hostSecret, targetSecret, job.RekeyIntervalFrames);
        Forget(agreement, hostSecret, targetSecret);
        return new HandshakeResult(job) { Succeeded = true, Cipher = cipher };
    }

    private static HandshakeResult DeriveTargetKeys(HandshakeJob job)
    {
        if (job.Credential is null)
        {
            return new HandshakeResult(job) { Succeeded = true };
        }

        bool parsed = Hello.TryParse(job.Hello, out Hello hello);
        Debug.Assert(parsed, "The listener checks a hello before it makes a job of it.");
        using ECDiffieHellman keyPair = MakeKeyPair(out byte[] publicKey);
        byte[]? agreement = TryAgree(keyPair, hello.PublicKey);
        if (agreement is null)
        {
            return new HandshakeResult(job);
        }

        publicKey.CopyTo(Accept.PublicKeyField(job.Accept));
        Accept.Authenticate(job.Accept, hello.Mac, job.Credential);
        Span<byte> hostSecret = stackalloc byte[FrameCipher.SecretBytes], targetSecret = stackalloc byte[FrameCipher.SecretBytes];
        job.Credential.DeriveSessionSecrets(agreement, job.Hello, job.Accept, hostSecret, targetSecret);
        var cipher = new FrameCipher(targetSecret, hostSecret, job.RekeyIntervalFrames);
        Forget(agreement, hostSecret, targetSecret);
        return new HandshakeResult(job) { Succeeded = true, Cipher = cipher };
    }

    private static ECDiffieHellman MakeKeyPair(out byte[] publicKey)
    {
        var keyPair = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ECPoint point = keyPair.ExportParameters(includePrivateParameters: false).Q;
        publicKey = [.. point.X!, .. point.Y!];
        return keyPair;
    }

    /// <summary>Null: the peer's public key is no point of the curve.</summary>
    private static byte[]? TryAgree(ECDiffieHellman keyPair, ReadOnlySpan<byte> peerPublicKey)
    {
        var parameters = new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = peerPublicKey[..CoordinateBytes].ToArray(), Y = peerPublicKey[CoordinateBytes..].ToArray() },
        };
        try
        {
            using var peer = ECDiffieHellman.Create(parameters);
            return keyPair.DeriveRawSecretAgreement(peer.PublicKey);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static void Forget(Span<byte> agreement, Span<byte> hostSecret, Span<byte> targetSecret)
    {
        CryptographicOperations.ZeroMemory(agreement);
        CryptographicOperations.ZeroMemory(hostSecret);
        CryptographicOperations.ZeroMemory(targetSecret);
    }
}
