using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <content>What the client calls.</content>
internal sealed unsafe partial class RootPort
{
    public RemoteFunctionState State { get; private set; }

    public int InterruptVectors => _msix.Vectors;

    public int MaximumPayloadBytes => _enumeration.MaximumPayloadBytes;

    public BridgeHints Hints { get; private set; } = BridgeHints.Empty;

    public BarDescription GetBar(int bar) => _isDescribed ? _shadow.Bars[bar] : default;

    public void Attach(IRemoteFunctionClient client)
    {
        if (_client is not null)
        {
            throw new InvalidOperationException("The function has a client already.");
        }

        _client = client;
    }

    public void Detach(long now)
    {
        _client = null;
        UnmapAll();
        if (State != RemoteFunctionState.Gone)
        {
            BeginReset(now);
        }
    }

    public uint ReadConfig(int offset)
    {
        CheckConfigOffset(offset);
        return State == RemoteFunctionState.Gone || !_isDescribed ? uint.MaxValue : _shadow.Read(offset);
    }

    public bool TryWriteConfig(int offset, uint value, byte byteEnables, long now)
    {
        CheckConfigOffset(offset);
        if (State == RemoteFunctionState.Gone || !_isDescribed)
        {
            return State == RemoteFunctionState.Gone;
        }

        // A write and a read behind it need two tags and room for both, whatever the route turns out to be.
        int needed = ConfigRequests.Bytes(isWrite: true) + ConfigRequests.Bytes(isWrite: false);
        if (_pending.FreeForClient < 2 || _lane.FreeBytes(needed) < needed)
        {
            return false;
        }

        ConfigWriteRoute route = _shadow.Apply(offset, value, byteEnables);
        _isBusMaster = (_shadow.Command & ConfigRegister.CommandBusMaster) != 0;
        switch (route)
        {
            case ConfigWriteRoute.Reset:
                BeginReset(now);
                break;
            case ConfigWriteRoute.Function:
            case ConfigWriteRoute.FunctionThenRead:
                PassOn(offset, value, byteEnables, route, now);
                break;
        }

        return true;
    }

    public bool TryReadRegion(int bar, ulong offset, int length, ulong context, long now)
    {
        if (!IsWithinBar(bar, offset, length))
        {
            return false;
        }

        int hold = State == RemoteFunctionState.Gone ? 0
            : State == RemoteFunctionState.Outage && _isHoldSpent ? _options.LaterHoldMilliseconds
            : _options.CompletionTimeoutMilliseconds;
        if (!_reads.TryAdd(bar, offset, length, context, now + hold * NanosecondsPerMillisecond, out int slot))
        {
            return false;
        }

        Counters.RegionReads++;
        if (_reads.TryPeekHeld(out _) || !TrySendRead(slot))
        {
            _reads.Hold(slot);
        }

        return true;
    }

    public bool TryWriteRegion(int bar, ulong offset, ReadOnlySpan<byte> data, long now)
    {
        if (State == RemoteFunctionState.Gone)
        {
            return true;
        }

        if (!IsWithinBar(bar, offset, data.Length))
        {
            return false;
        }

        if (_msix.Overlaps(bar, offset, data.Length, out int start, out int count))
        {
            data.Slice(start, count).CopyTo(_msix.ClientBytes(offset + (ulong)start, count));
            return (start == 0 || TryPost(bar, offset, data[..start]))
                && (start + count == data.Length || TryPost(bar, offset + (ulong)(start + count), data[(start + count)..]));
        }

        return TryPost(bar, offset, data);
    }

    public bool TryMark(uint name)
    {
        Span<byte> tlp = State == RemoteFunctionState.Gone ? default : _lane.Reserve(HopMark.WrittenLength);
        if (tlp.IsEmpty)
        {
            return false;
        }

        HopMark.Write(tlp, RequesterId, name);
        _lane.Commit(name);
        return true;
    }

    public bool TryProbe(in ProbeOrder order)
    {
        Span<byte> tlp = State == RemoteFunctionState.Up ? _lane.Reserve(ProbeOrder.WrittenLength) : default;
        if (tlp.IsEmpty)
        {
            return false;
        }

        order.Write(tlp, RequesterId);
        _lane.Commit();
        return true;
    }

    public DmaMapResult Map(ulong address, ulong length, nint memory, DmaAccess access) => Map(address, length, (byte*)memory, null, access);

    public DmaMapResult Map(ulong address, ulong length, IDmaMemory memory, DmaAccess access) => Map(address, length, null, memory, access);

    public DmaMapResult Unmap(ulong address, ulong length)
    {
        DmaMapResult result = _window.Unmap(address, length);
        if (result == DmaMapResult.Success)
        {
            _responder.OnUnmapped(address, address + length - 1);
        }

        return result;
    }

    public void UnmapAll()
    {
        _window.Clear();
        _responder.OnUnmapped(0, ulong.MaxValue);
    }

    public void CompleteDmaRead(DmaReadTicket ticket, ReadOnlySpan<byte> data, long now) => _responder.OnClientAnswer(ticket, data);

    public void StartReset(long now)
    {
        _isResetAnswerDue = true;
        _resetDeadline = now + _options.ResetTimeoutMilliseconds * NanosecondsPerMillisecond;
        BeginReset(now);
    }

    private DmaMapResult Map(ulong address, ulong length, byte* memory, IDmaMemory? client, DmaAccess access)
    {
        ulong last = unchecked(address + length - 1);
        return address <= MsixTable.ReservedLast && last >= MsixTable.ReservedFirst
            ? DmaMapResult.InvalidRange
            : _window.Map(address, length, memory, client, access);
    }

    private void BeginReset(long now)
    {
        Counters.Resets++;
        _shadow.Reset();
        _msix.Reset();
        _isBusMaster = false;
        _lane.Clear();
        _lane.IsOpen = false;
        AnswerAllReads(now);
        if (_isDescribed && _transmitter is not null && !(_enumeration.IsActive && _enumeration.Purpose != EnumerationPurpose.Reset))
        {
            _enumeration.Begin(EnumerationPurpose.Reset);
        }

        UpdateState(now);
    }

    private void AnswerAllReads(long now)
    {
        for (int slot = 0; slot < RegionReads.Capacity; slot++)
        {
            if (_reads[slot].State != RegionReadState.Free)
            {
                AnswerRead(slot, RegionReadStatus.Substituted, now);
            }
        }
    }

    private void PassOn(int offset, uint value, byte byteEnables, ConfigWriteRoute route, long now)
    {
        if (!_lane.IsOpen)
        {
            // The function is being set up from the shadow.
            return;
        }

        if (offset == ConfigRegister.CommandStatus)
        {
            // The function always decodes memory: that is how we reach it.
            value = value & 0xFFFF_0000 | _shadow.Command | ConfigRegister.CommandMemorySpace;
            byteEnables |= 3;
        }
        else if (_shadow.Layout.Pcie != 0 && offset == _shadow.Layout.Pcie + ConfigRegister.PcieDeviceControl)
        {
            // Only the status half is the client's.
            byteEnables &= 0xC;
        }

        Queue(isWrite: true, offset, value, byteEnables, now);
        if (route == ConfigWriteRoute.FunctionThenRead)
        {
            Queue(isWrite: false, offset, value: 0, byteEnables: 0xF, now);
        }
    }

    private void Queue(bool isWrite, int offset, uint value, byte byteEnables, long now)
    {
        Span<byte> tlp = _lane.Reserve(ConfigRequests.Bytes(isWrite));
        _configRequests.Write(tlp, isWrite, offset, value, byteEnables, now);
        _lane.Commit();
    }

    private bool TryPost(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        ulong address = _shadow.Bars.Address(bar) + offset;
        int maximum = _enumeration.MaximumPayloadBytes;
        if (data.Length > maximum - TlpLimits.DoublewordBytes)
        {
            // In several pieces, or none at all: what does not leave at once must fit into the ring.
            int needed = data.Length + (data.Length / maximum + 2) * (TlpLimits.LongHeaderBytes + 3 * TlpLimits.DoublewordBytes);
            if (_lane.FreeBytes(maximum + TlpLimits.LongHeaderBytes) < needed)
            {
                Counters.RegionWritesDropped++;
                return false;
            }
        }

        for (int done = 0; done < data.Length;)
        {
            int bytes = RequestSplitter.PieceBytes(address, data.Length - done, maximum);
            if (!TryPostOne(address, data.Slice(done, bytes)))
            {
                Counters.RegionWritesDropped++;
                return false;
            }

            address += (uint)bytes;
            done += bytes;
        }

        Counters.RegionWrites++;
        return true;
    }

    private bool TryPostOne(ulong address, ReadOnlySpan<byte> data)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Write(address, data.Length, RequesterId);
        int payloadBytes = header.LengthDoublewords * TlpLimits.DoublewordBytes;
        Span<byte> tlp = _lane.Reserve(header.WrittenLength + payloadBytes);
        if (tlp.IsEmpty)
        {
            return false;
        }

        header.Write(tlp);
        Span<byte> payload = tlp[header.WrittenLength..];
        int padding = (int)(address & 3);
        payload[..padding].Clear();
        data.CopyTo(payload[padding..]);
        payload[(padding + data.Length)..].Clear();
        _lane.Commit();
        return true;
    }

    private bool IsWithinBar(int bar, ulong offset, int length)
    {
        ulong size = GetBar(bar).Size;
        return length is > 0 and <= IRemoteFunction.MaximumRegionAccessBytes
            && offset < size && (ulong)length <= size - offset
            && (int)(offset % IRemoteFunction.MaximumRegionAccessBytes) + length <= IRemoteFunction.MaximumRegionAccessBytes;
    }

    private static void CheckConfigOffset(int offset)
    {
        if ((uint)offset >= ConfigRegister.SpaceBytes || offset % 4 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, "An aligned offset within 4096 bytes is needed.");
        }
    }
}
