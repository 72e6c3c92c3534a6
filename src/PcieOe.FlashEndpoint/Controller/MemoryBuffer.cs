using PcieOe.FlashEndpoint.Dma;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// The controller memory buffer (NVMe 1.4, section 4.7): memory in BAR 2 for submission queues, lists, write and read data. Commands
/// reach it under CMBMSC.CBA, whatever the BAR says.
/// </summary>
internal sealed unsafe class MemoryBuffer : IDisposable
{
    public const int Bar = 2;

    private readonly NativeRegion? _memory;
    private ulong _control;
    private int _writtenEnd;

    /// <param name="bytes">0: the controller has none.</param>
    public MemoryBuffer(int bytes)
    {
        LengthBytes = bytes;
        _memory = bytes == 0 ? null : new NativeRegion(bytes);
        Start = _memory is null ? null : _memory.Start;
    }

    public int LengthBytes { get; }

    public bool Exists => LengthBytes != 0;

    /// <summary>Hidden from the driver (CAP.CMBS 0), as whoever presents the function to it chose. It stays memory in its BAR.</summary>
    public bool IsHidden
    {
        get;
        set
        {
            field = value;
            _control = value ? 0 : _control;
        }
    }

    public byte* Start { get; }

    public ReadOnlySpan<byte> Span => new(Start, LengthBytes);

    /// <summary>CMBLOC: 0 until CMBMSC.CRE is set.</summary>
    public uint Location => !IsShown ? 0 : Bar | MemoryBufferLocation.MixedDataPointersBit
        | MemoryBufferLocation.IndependentLocationsBit | MemoryBufferLocation.MixedMetadataBit;

    /// <summary>CMBSZ, in units of 4 KiB: 0 until CMBMSC.CRE is set.</summary>
    public uint Size => !IsShown ? 0 : (uint)LengthBytes | MemoryBufferSize.SubmissionQueuesBit | MemoryBufferSize.ListsBit
        | MemoryBufferSize.ReadDataBit | MemoryBufferSize.WriteDataBit;

    /// <summary>CMBMSC.</summary>
    public ulong Control
    {
        get => _control;
        set => _control = Exists && !IsHidden ? value & ~0xFFCUL : 0;
    }

    /// <summary>CMBSTS: CBAI, set while an enabled base address would wrap around.</summary>
    public uint Status => IsEnabled && Base > ulong.MaxValue - (ulong)LengthBytes + 1 ? 1u : 0;

    /// <summary>Whether commands reach it.</summary>
    public bool IsEnabled => (_control & (MemoryBufferControl.CapabilitiesEnabledBit | MemoryBufferControl.MemorySpaceEnabledBit))
        == (MemoryBufferControl.CapabilitiesEnabledBit | MemoryBufferControl.MemorySpaceEnabledBit);

    private bool IsShown => Exists && (_control & MemoryBufferControl.CapabilitiesEnabledBit) != 0;

    private ulong Base => _control & ~0xFFFUL;

    /// <summary>Whether an address that a command uses lies in the buffer, and where.</summary>
    public bool TryLocate(ulong address, out ulong offset)
    {
        offset = address - Base;
        return offset < (ulong)LengthBytes && IsEnabled;
    }

    /// <summary>A range to be written, which the caller has checked.</summary>
    public Span<byte> ForWriting(int offset, int length)
    {
        _writtenEnd = Math.Max(_writtenEnd, offset + length);
        return new Span<byte>(Start, LengthBytes).Slice(offset, length);
    }

    /// <summary>Forgets its content too: it may be another host's next.</summary>
    public void Reset()
    {
        _control = 0;
        new Span<byte>(Start, _writtenEnd).Clear();
        _writtenEnd = 0;
    }

    public void Dispose() => _memory?.Dispose();
}
