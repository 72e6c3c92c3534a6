using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;

namespace PcieOe.Host.RootComplex;

/// <content>What the client calls.</content>
internal sealed unsafe partial class RootPort
{
    public RemoteFunctionState State { get; private set; }

    public int InterruptVectors => _msix.Vectors;

    public int MaximumPayloadBytes => _enumeration.MaximumPayloadBytes;

    public BridgeHints Hints => _reader.Hints;

    public BarDescription GetBar(int bar) => _isDescribed ? _shadow.Bars[bar] : default;

    public void Attach(IRemoteFunctionClient client)
    {
        if (_client is not null)
        {
            throw new InvalidOperationException("The function has a client already.");
        }

        _client = _reader.Client = client;
    }

    public void Detach(long now)
    {
        _client = _reader.Client = null;
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

    public bool TryReadRegion(int bar, ulong offset, int length, ulong context, long now) =>
        IsWithinBar(bar, offset, length) && _reader.TryRead(bar, offset, length, context, State, now);

    public bool TryWriteRegion(int bar, ulong offset, ReadOnlySpan<byte> data, long now) =>
        State == RemoteFunctionState.Gone || (IsWithinBar(bar, offset, data.Length) && _writer.TryWrite(bar, offset, data));

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
        _reader.SubstituteAll(now);
        if (_isDescribed && _transmitter is not null && !(_enumeration.IsActive && _enumeration.Purpose != EnumerationPurpose.Reset))
        {
            _enumeration.Begin(EnumerationPurpose.Reset);
        }

        UpdateState(now);
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
