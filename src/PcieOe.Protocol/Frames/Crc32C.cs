using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace PcieOe.Protocol.Frames;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), as a register that runs over bytes: start with <see cref="Initial"/>, <see cref="Append"/>,
/// and <see cref="Finish"/>. Registers of adjacent pieces can be joined (<see cref="Join"/>), so that what does not change need not be
/// read again.
/// </summary>
/// <remarks>
/// One chain of crc32 instructions waits three cycles for each 8 bytes. Three chains over thirds of the input run side by side; the
/// registers are then advanced over the bytes that lie behind them by one carryless multiplication each.
/// </remarks>
public static class Crc32C
{
    /// <summary>The register before the first byte.</summary>
    public const uint Initial = 0xFFFF_FFFF;

    private const uint ReflectedPolynomial = 0x82F6_3B78;

    // The most that one round of three chains reads, and what the factors cover: the content of a frame at MTU 9000.
    private const int BlockBytes = 9216;

    private const int FewestBytesForChains = 192;

    /// <summary>Entry n: x^(32n - 33) modulo the polynomial, bit-reflected; the 33 undo what <see cref="Multiply"/> adds.</summary>
    private static readonly uint[] Factors = MakeFactors();

    private static bool HasChains => Sse42.X64.IsSupported && Pclmulqdq.IsSupported
        || System.Runtime.Intrinsics.Arm.Crc32.Arm64.IsSupported && ArmAes.IsSupported;

    /// <summary>The checksum of a register.</summary>
    public static uint Finish(uint register) => ~register;

    /// <summary>The checksum of <paramref name="bytes"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Finish(Append(Initial, bytes));

    /// <summary>Runs the register over more bytes.</summary>
    public static uint Append(uint register, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= FewestBytesForChains && HasChains)
        {
            int chainBytes = Math.Min(bytes.Length, BlockBytes) / 24 * 8;
            register = AppendChains(register, ref MemoryMarshal.GetReference(bytes), chainBytes);
            bytes = bytes[(3 * chainBytes)..];
        }

        return AppendChain(register, bytes);
    }

    /// <summary>
    /// The register after two adjacent pieces: <paramref name="first"/> ran over the first one, <paramref name="second"/> started from 0
    /// and ran over the second one of <paramref name="secondBytes"/> bytes (a multiple of 4, at most 9216).
    /// </summary>
    public static uint Join(uint first, uint second, int secondBytes) => Advance(first, secondBytes) ^ second;

    /// <summary>The register run over zeros: multiplied by x^(8 bytes).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Advance(uint register, int bytes) => Multiply(register, Factors[bytes >> 2]);

    /// <summary>The reflected product times x^33: one from the reflection of a 63-bit product, 32 from its reduction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Multiply(uint left, uint right)
    {
        ulong product;
        if (Pclmulqdq.IsSupported)
        {
            product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)left), Vector128.CreateScalar((ulong)right), 0).ToScalar();
        }
        else if (ArmAes.IsSupported)
        {
            product = ArmAes.PolynomialMultiplyWideningLower(Vector64.Create((ulong)left), Vector64.Create((ulong)right)).ToScalar();
        }
        else
        {
            product = MultiplyPortably(left, right);
        }

        return BitOperations.Crc32C(0, product);
    }

    internal static ulong MultiplyPortably(uint left, uint right)
    {
        ulong product = 0;
        for (int bit = 0; bit < 32; bit++)
        {
            product ^= ((ulong)right << bit) & (0 - (ulong)(left >> bit & 1));
        }

        return product;
    }

    private static uint AppendChains(uint register, ref byte start, int chainBytes)
    {
        uint first = register, second = 0, third = 0;
        ref byte middle = ref Unsafe.Add(ref start, chainBytes);
        ref byte last = ref Unsafe.Add(ref middle, chainBytes);
        for (nint i = 0; i < chainBytes; i += sizeof(ulong))
        {
            first = BitOperations.Crc32C(first, ReadLittleEndian(ref Unsafe.Add(ref start, i)));
            second = BitOperations.Crc32C(second, ReadLittleEndian(ref Unsafe.Add(ref middle, i)));
            third = BitOperations.Crc32C(third, ReadLittleEndian(ref Unsafe.Add(ref last, i)));
        }

        return JoinChains(first, second, third, chainBytes);
    }

    /// <summary>The register after three adjacent pieces of the same length, of which the registers of the second and third started from 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint JoinChains(uint first, uint second, uint third, int chainBytes) =>
        Advance(first, 2 * chainBytes) ^ Advance(second, chainBytes) ^ third;

    internal static uint AppendChain(uint register, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes)
        {
            register = BitOperations.Crc32C(register, value);
        }

        return register;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ReadLittleEndian(ref byte source)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(ref source);
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    private static uint[] MakeFactors()
    {
        uint factor = 0x8000_0000;
        for (int i = 0; i < 33; i++)
        {
            // Division by x: the reverse of a shift of the reflected register.
            factor = (factor & 0x8000_0000) != 0 ? (factor ^ ReflectedPolynomial) << 1 | 1 : factor << 1;
        }

        var factors = new uint[BlockBytes / 4 + 1];
        for (int i = 0; i < factors.Length; i++)
        {
            factors[i] = factor;
            factor = BitOperations.Crc32C(factor, 0u);
        }

        return factors;
    }
}
