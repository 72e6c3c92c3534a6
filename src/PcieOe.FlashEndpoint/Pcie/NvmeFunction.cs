using System.Buffers.Binary;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Pcie;

/// <summary>
/// An NVMe flash device as a PCIe function: decodes its BARs, keeps its configuration space, and passes the rest on to its controller.
/// It owns the medium.
/// </summary>
public sealed class NvmeFunction : IPcieFunction, IDisposable
{
    private readonly IBlockMedia _media;
    private readonly MsixTable _msix;
    private readonly PciConfigurationSpace _space;
    private readonly NvmeController _controller;
    private readonly int _doorbells;
    private readonly int _memorySwitchOffset;
    private ulong _bar0;
    private ulong _bar2;
    private bool _decodesMemory;

    /// <exception cref="ArgumentException">The options cannot be used: the message says all that is wrong.</exception>
    public NvmeFunction(NvmeOptions options, IBlockMedia media, IFlashTiming timing)
    {
        IReadOnlyList<string> mistakes = options.Validate(media.CapacityBytes);
        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", mistakes), nameof(options));
        }

        _media = media;
        var capabilities = ControllerCapabilities.Create(options.MaximumQueueEntries, timeoutHalfSeconds: 255, options.MemoryBufferBytes != 0);
        _msix = new MsixTable(options.IoQueuePairs + 1);
        _space = NvmeConfigurationLayout.Create(options, _msix, capabilities);
        _controller = new NvmeController(options, capabilities, media, timing, _msix);
        _doorbells = 2 * (options.IoQueuePairs + 1);
        _memorySwitchOffset = NvmeConfigurationLayout.MemorySwitchOffset(NvmeConfigurationLayout.MakeHints(options, capabilities));
    }

    public long NextDeadline => _controller.NextDeadline;

    public bool NeedsPolling => _controller.NeedsPolling;

    public int WakeUpDescriptor => _media.WakeUpDescriptor;

    /// <summary>For tests: no command holds a slot.</summary>
    internal bool IsIdle => _controller.Commands.IsIdle;

    public void Attach(IFunctionHost host) => _controller.Host = host;

    public uint ReadConfig(int offset) => _space.Read(offset);

    public void WriteConfig(int offset, uint value, byte byteEnables, long now)
    {
        _space.Write(offset, value, byteEnables);
        if ((_space.Read16(NvmeConfigurationLayout.DeviceControl) & NvmeConfigurationLayout.InitiateFunctionResetBit) != 0)
        {
            _space.ClearBits(NvmeConfigurationLayout.DeviceControl, NvmeConfigurationLayout.InitiateFunctionResetBit);
            Reset(FunctionResetKind.FunctionLevel, now);
            return;
        }

        OnConfigurationChanged(now);
    }

    public bool TryReadMemory(ulong address, Span<byte> destination, long now)
    {
        if (!_decodesMemory)
        {
            return false;
        }

        if (IsWithin(address, destination.Length, _bar0, NvmeConfigurationLayout.Bar0Bytes))
        {
            ReadBar0((int)(address - _bar0), destination);
            return true;
        }

        if (IsWithin(address, destination.Length, _bar2, _controller.MemoryBuffer.LengthBytes))
        {
            _controller.MemoryBuffer.Span.Slice((int)(address - _bar2), destination.Length).CopyTo(destination);
            return true;
        }

        return false;
    }

    public bool TryWriteMemory(ulong address, ReadOnlySpan<byte> data, long now)
    {
        if (!_decodesMemory)
        {
            return false;
        }

        if (IsWithin(address, data.Length, _bar0, NvmeConfigurationLayout.Bar0Bytes))
        {
            WriteBar0((int)(address - _bar0), data, now);
            return true;
        }

        if (IsWithin(address, data.Length, _bar2, _controller.MemoryBuffer.LengthBytes))
        {
            data.CopyTo(_controller.MemoryBuffer.ForWriting((int)(address - _bar2), data.Length));
            return true;
        }

        return false;
    }

    public void Reset(FunctionResetKind kind, long now)
    {
        if (kind != FunctionResetKind.FunctionLevel)
        {
            _controller.State.OnPowerCycle();
        }

        _controller.State.Reset(now);
        _msix.Reset();
        _space.Reset(functionLevel: kind == FunctionResetKind.FunctionLevel);
        OnConfigurationChanged(now);
        if (kind == FunctionResetKind.StateLost)
        {
            _controller.State.SetStateLost();
        }
    }

    public void OnReadData(DmaReadId id, int offset, ReadOnlySpan<byte> data, long now) =>
        _controller.OnReadData(new TransactionName(id.Value), offset, data);

    public void OnReadCompleted(DmaReadId id, DmaReadStatus status, long now) =>
        _controller.OnReadCompleted(new TransactionName(id.Value), status, now);

    public void OnReadRoom(long now) => _controller.OnReadRoom(now);

    public bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now) =>
        _controller.OnAdmitted(new TransactionName(token.Value), deadlineNanoseconds, now);

    public MaterializeResult Materialize(TransactionToken token, IDmaWriter writer, long now) =>
        _controller.Materialize(new TransactionName(token.Value), writer, now);

    public void OnTimer(long now) => _controller.OnTimer(now);

    public void Dispose()
    {
        // The medium first: its requests may still use the controller's buffers.
        _media.Dispose();
        _controller.Dispose();
    }

    private static bool IsWithin(ulong address, int length, ulong bar, int barBytes)
    {
        ulong offset = address - bar;
        return offset < (ulong)barBytes && length <= barBytes - (int)offset && bar != 0;
    }

    // What bits of configuration space mean to the rest of the function.
    private void OnConfigurationChanged(long now)
    {
        ushort command = _space.Read16(NvmeConfigurationLayout.Command);
        bool isAwake = (_space.Read16(NvmeConfigurationLayout.PowerManagementControl) & NvmeConfigurationLayout.PowerStateMask) == 0;
        _decodesMemory = isAwake && (command & NvmeConfigurationLayout.CommandMemorySpaceBit) != 0;
        _bar0 = ReadBar(NvmeConfigurationLayout.Bar0);
        _bar2 = ReadBar(NvmeConfigurationLayout.Bar2);

        _controller.MemoryBuffer.IsHidden = _controller.MemoryBuffer.Exists && (_space.Read(_memorySwitchOffset) & NvmeConfigurationLayout.MemorySwitchBit) == 0;

        ushort control = _space.Read16(NvmeConfigurationLayout.MsixControl);
        _msix.IsEnabled = (control & NvmeConfigurationLayout.MsixEnableBit) != 0;
        _msix.IsFunctionMasked = (control & NvmeConfigurationLayout.MsixFunctionMaskBit) != 0;
        _controller.SetBusMaster(isAwake && (command & NvmeConfigurationLayout.CommandBusMasterBit) != 0, now);
        _controller.Interrupts.OnUnmasked(now);
    }

    private ulong ReadBar(int offset) => _space.Read(offset) & ~0xFul | (ulong)_space.Read(offset + 4) << 32;

    private void ReadBar0(int offset, Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[4];
        while (!destination.IsEmpty)
        {
            int within = offset & 3;
            BinaryPrimitives.WriteUInt32LittleEndian(word, ReadDoubleword(offset - within));
            int count = Math.Min(4 - within, destination.Length);
            word.Slice(within, count).CopyTo(destination);
            destination = destination[count..];
            offset += count;
        }
    }

    private uint ReadDoubleword(int offset) => offset switch
    {
        < NvmeConfigurationLayout.DoorbellsOffset => _controller.Registers.Read(offset),
        < NvmeConfigurationLayout.MsixTableOffset => 0,
        < NvmeConfigurationLayout.MsixPendingOffset => _msix.ReadTable(offset - NvmeConfigurationLayout.MsixTableOffset),
        _ => _msix.ReadPending(offset - NvmeConfigurationLayout.MsixPendingOffset),
    };

    private void WriteBar0(int offset, ReadOnlySpan<byte> data, long now)
    {
        if (data.Length == 4 && (offset & 3) == 0)
        {
            WriteDoubleword(offset, BinaryPrimitives.ReadUInt32LittleEndian(data), uint.MaxValue, now);
            return;
        }

        Span<byte> word = stackalloc byte[4];
        Span<byte> mask = stackalloc byte[4];
        while (!data.IsEmpty)
        {
            int within = offset & 3;
            int count = Math.Min(4 - within, data.Length);
            word.Clear();
            mask.Clear();
            data[..count].CopyTo(word[within..]);
            mask.Slice(within, count).Fill(0xFF);
            WriteDoubleword(offset - within, BinaryPrimitives.ReadUInt32LittleEndian(word), BinaryPrimitives.ReadUInt32LittleEndian(mask), now);
            data = data[count..];
            offset += count;
        }
    }

    private void WriteDoubleword(int offset, uint value, uint writtenBits, long now)
    {
        if (offset < NvmeConfigurationLayout.DoorbellsOffset)
        {
            _controller.Registers.Write(offset, value, writtenBits, now);
        }
        else if (offset < NvmeConfigurationLayout.MsixTableOffset)
        {
            int index = (offset - NvmeConfigurationLayout.DoorbellsOffset) / 4;

            // A doorbell is written whole; its value has 16 bits.
            if ((writtenBits & 0xFFFF) == 0xFFFF)
            {
                _controller.OnDoorbell(index < _doorbells ? index : int.MaxValue - 1, value & 0xFFFF, now);
            }
        }
        else if (offset < NvmeConfigurationLayout.MsixPendingOffset
            && _msix.WriteTable(offset - NvmeConfigurationLayout.MsixTableOffset, value, writtenBits))
        {
            _controller.Interrupts.OnUnmasked(now);
        }
    }
}
