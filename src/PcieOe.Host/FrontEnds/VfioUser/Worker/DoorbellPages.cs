using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Memory;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Functions;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>
/// Memory that stands in for write-only registers (doorbells): the client writes it without a message, the worker looks at it in every
/// poll round and passes on what it finds. A register that was passed on is filled with ones again, which no doorbell is ever written
/// with, so a write is seen even if it repeats the value before it (after a reset of the device the first one often does).
/// </summary>
internal sealed unsafe class DoorbellPages : IDisposable
{
    public const int PageBytes = 4096;
    private const uint Idle = uint.MaxValue;

    private readonly WriteOnlyRegisters _registers;
    private readonly SharedPages _pages;
    private readonly uint* _first;

    private DoorbellPages(in WriteOnlyRegisters registers)
    {
        _registers = registers;
        MappedBytes = (uint)(registers.Count * registers.StrideBytes + PageBytes - 1) & ~(uint)(PageBytes - 1);
        _pages = new SharedPages(registers.OffsetBytes + (ulong)MappedBytes);
        _first = (uint*)(_pages.Pointer + registers.OffsetBytes);
        Clear();
    }

    public int Bar => _registers.Bar;

    /// <summary>Where the mappable pages start in the BAR, and in the file.</summary>
    public uint OffsetBytes => _registers.OffsetBytes;

    public uint MappedBytes { get; }

    public int Descriptor => _pages.Descriptor;

    /// <summary>
    /// Takes the first of the registers that can be given away: 32-bit ones that start a page, in a BAR that holds the whole page.
    /// Null: there are none.
    /// </summary>
    public static DoorbellPages? TryCreate(IRemoteFunction function)
    {
        BridgeHints hints = function.Hints;
        for (int i = 0; i < hints.WriteOnlyRegisters.Count; i++)
        {
            WriteOnlyRegisters registers = hints.WriteOnlyRegisters[i];
            ulong end = registers.OffsetBytes + (((ulong)registers.Count * registers.StrideBytes + PageBytes - 1) & ~(ulong)(PageBytes - 1));
            if (registers.WidthBytes == sizeof(uint) && registers.OffsetBytes % PageBytes == 0 && end <= function.GetBar(registers.Bar).Size)
            {
                return new DoorbellPages(registers);
            }
        }

        return null;
    }

    /// <summary>Forgets what was written and not passed on yet.</summary>
    public void Clear() => new Span<byte>(_first, (int)MappedBytes).Fill(0xFF);

    /// <summary>Passes on every write since the last call.</summary>
    /// <returns>How many registers had been written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Forward(IRemoteFunction function, HopSampler? hops, long now)
    {
        int words = _registers.Count * (_registers.StrideBytes / sizeof(uint));
        int next = new ReadOnlySpan<uint>(_first, words).IndexOfAnyExcept(Idle);
        return next < 0 ? 0 : ForwardFrom(next, words, function, hops, now);
    }

    private int ForwardFrom(int next, int words, IRemoteFunction function, HopSampler? hops, long now)
    {
        int step = _registers.StrideBytes / sizeof(uint);
        int passed = 0;
        while (true)
        {
            if (next % step == 0)
            {
                // Exchanged, not read and then filled: a write between the two would be lost.
                uint value = Interlocked.Exchange(ref _first[next], Idle);
                hops?.OnDoorbell(function);
                if (!function.TryWriteRegion(Bar, OffsetBytes + (uint)next * sizeof(uint), MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)), now))
                {
                    // No room now: it stays for the next round, unless the client has written a newer value.
                    Interlocked.CompareExchange(ref _first[next], value, Idle);
                    return passed;
                }

                passed++;
            }
            else
            {
                _first[next] = Idle; // between two registers there is nothing to write to
            }

            int further = new ReadOnlySpan<uint>(_first + next + 1, words - next - 1).IndexOfAnyExcept(Idle);
            if (further < 0)
            {
                return passed;
            }

            next += 1 + further;
        }
    }

    public void Dispose() => _pages.Dispose();
}
