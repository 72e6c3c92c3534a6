using System.Security.Cryptography;

namespace PcieOe.Protocol.Handshake;

/// <summary>Where session ids, nonces and jitter come from, so that a simulation repeats exactly. Keys never come from here.</summary>
public interface IRandomSource
{
    void Fill(Span<byte> destination);
}

/// <summary>The operating system's cryptographic generator.</summary>
public sealed class SystemRandomSource : IRandomSource
{
    public static SystemRandomSource Instance { get; } = new();

    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}

internal static class RandomSourceExtensions
{
    public static uint NextUInt32(this IRandomSource random)
    {
        uint value = 0;
        random.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<uint>(ref value)));
        return value;
    }
}
