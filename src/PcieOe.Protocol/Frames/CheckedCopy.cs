using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PcieOe.Protocol.Frames;

/// <summary>
/// Copies and runs CRC-32C over the bytes in one pass. Beside it there is time to ask memory for what will be copied next: the crc32
/// instruction leaves the loads idle.
/// </summary>
public static unsafe class CheckedCopy
{
    /// <summary>What one request to memory brings.</summary>
    public const int LineBytes = 64;

    private const int Chains = 3;
    private const int StepBytes = LineBytes;

    private static bool IsFused => Sse42.X64.IsSupported && Vector256.IsHardwareAccelerated;

    /// <summary>How many lines are asked for beside a copy of this length.</summary>
    public static int LinesBeside(int bytes) => IsFused ? ChainBytes(bytes) / StepBytes * Chains : 0;

    /// <summary>Copies; returns the CRC-32C register that ran over the bytes from 0 (<see cref="Crc32C.Append"/>).</summary>
    /// <param name="bytes">At most 9216. Source and destination do not overlap.</param>
    /// <param name="ahead">From where on memory is asked for lines meanwhile; never read, so it may lead anywhere.</param>
    /// <param name="aheadLines">The most lines to ask for, rounded up to 3; <see cref="LinesBeside"/> says how many there is time for.</param>
    public static uint Copy(byte* source, byte* destination, int bytes, byte* ahead, int aheadLines)
    {
        if (!IsFused)
        {
            Span<byte> copy = new(destination, bytes);
            new ReadOnlySpan<byte>(source, bytes).CopyTo(copy);
            return Crc32C.Append(0, copy);
        }

        int chainBytes = ChainBytes(bytes);
        ulong first = 0, second = 0, third = 0;
        nint i = 0;
        nint endOfAsking = Math.Min(chainBytes & -StepBytes, (aheadLines + Chains - 1) / Chains * StepBytes);
        for (; i < endOfAsking; i += StepBytes)
        {
            Sse.Prefetch0(ahead);
            Sse.Prefetch0(ahead + LineBytes);
            Sse.Prefetch0(ahead + 2 * LineBytes);
            ahead += Chains * LineBytes;
            first = Step(first, source + i, destination + i);
            second = Step(second, source + chainBytes + i, destination + chainBytes + i);
            third = Step(third, source + 2 * chainBytes + i, destination + 2 * chainBytes + i);
        }

        for (; i < (chainBytes & -StepBytes); i += StepBytes)
        {
            first = Step(first, source + i, destination + i);
            second = Step(second, source + chainBytes + i, destination + chainBytes + i);
            third = Step(third, source + 2 * chainBytes + i, destination + 2 * chainBytes + i);
        }

        for (; i < chainBytes; i += sizeof(ulong))
        {
            first = StepWord(first, source + i, destination + i);
            second = StepWord(second, source + chainBytes + i, destination + chainBytes + i);
            third = StepWord(third, source + 2 * chainBytes + i, destination + 2 * chainBytes + i);
        }

        uint register = Crc32C.JoinChains((uint)first, (uint)second, (uint)third, chainBytes);
        int chained = Chains * chainBytes;
        Span<byte> rest = new(destination + chained, bytes - chained);
        new ReadOnlySpan<byte>(source + chained, rest.Length).CopyTo(rest);
        return Crc32C.AppendChain(register, rest);
    }

    private static int ChainBytes(int bytes) => bytes / (Chains * sizeof(ulong)) * sizeof(ulong);

    private static ulong Step(ulong register, byte* source, byte* destination)
    {
        Vector256.Store(Vector256.Load(source), destination);
        Vector256.Store(Vector256.Load(source + StepBytes / 2), destination + StepBytes / 2);
        ulong* words = (ulong*)source;
        register = Sse42.X64.Crc32(register, words[0]);
        register = Sse42.X64.Crc32(register, words[1]);
        register = Sse42.X64.Crc32(register, words[2]);
        register = Sse42.X64.Crc32(register, words[3]);
        register = Sse42.X64.Crc32(register, words[4]);
        register = Sse42.X64.Crc32(register, words[5]);
        register = Sse42.X64.Crc32(register, words[6]);
        return Sse42.X64.Crc32(register, words[7]);
    }

    private static ulong StepWord(ulong register, byte* source, byte* destination)
    {
        *(ulong*)destination = *(ulong*)source;
        return Sse42.X64.Crc32(register, *(ulong*)source);
    }
}
