using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The client's reads of BARs: each is sent as soon as it can be, and answered in any case and in time, by the function or instead of it.
/// </summary>
internal sealed class RegionReader(
    RootComplexOptions options, RequestLane lane, PendingRequests pending, ConfigShadow shadow, MsixTable msix, RootComplexCounters counters,
    RoutingId requesterId) : IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    private readonly RegionReads _reads = new();
    private bool _isHoldSpent;

    /// <summary>Who hears the answers.</summary>
    public IRemoteFunctionClient? Client { get; set; }

    /// <summary>What is answered in the function's place.</summary>
    public BridgeHints Hints { get; set; } = BridgeHints.Empty;

    public long NextDeadline => _reads.NextDeadline;

    /// <summary>Takes a read that lies within its BAR. False: too many wait already.</summary>
    public bool TryRead(int bar, ulong offset, int length, ulong context, RemoteFunctionState state, long now)
    {
        int hold = state == RemoteFunctionState.Gone ? 0
            : state == RemoteFunctionState.Outage && _isHoldSpent ? options.LaterHoldMilliseconds
            : options.CompletionTimeoutMilliseconds;
        if (!_reads.TryAdd(bar, offset, length, context, now + hold * NanosecondsPerMillisecond, out int slot))
        {
            return false;
        }

        counters.RegionReads++;
        if (_reads.TryPeekHeld(out _) || !TrySend(slot))
        {
            _reads.Hold(slot);
        }

        return true;
    }

    /// <summary>Sends what was held, as far as there is room.</summary>
    public void SendHeld()
    {
        while (_reads.TryPeekHeld(out int slot) && TrySend(slot))
        {
            _reads.RemoveHeld();
        }
    }

    /// <summary>The session has ended: what was sent is held for the next one.</summary>
    public void HoldAllSent() => _reads.HoldAllSent();

    /// <summary>The function can be reached: should it not be again later, the first read may wait for long again.</summary>
    public void OnReachable() => _isHoldSpent = false;

    public void OnTimer(RemoteFunctionState state, long now)
    {
        while (_reads.TryGetExpired(now, out int slot))
        {
            // Somebody stood still for this: what else is asked for in this outage waits less.
            _isHoldSpent |= state != RemoteFunctionState.Up;
            counters.CompletionTimeouts++;
            Answer(slot, state == RemoteFunctionState.Gone ? RegionReadStatus.Failed : RegionReadStatus.Substituted, now);
        }
    }

    /// <summary>A completion for one of these reads has come.</summary>
    public void OnCompletion(ushort tag, ref PendingRequest request, in TlpView tlp, long now)
    {
        int slot = request.Argument;
        switch (request.Reassembly.Accept(tlp, out int offset, out ReadOnlySpan<byte> data))
        {
            case ReassemblyResult.Piece:
                data.CopyTo(_reads.Buffer(slot)[offset..]);
                break;
            case ReassemblyResult.Last when offset == 0:
                pending.End(tag);
                Complete(slot, RegionReadStatus.Success, data, now);
                break;
            case ReassemblyResult.Last:
                data.CopyTo(_reads.Buffer(slot)[offset..]);
                pending.End(tag);
                Complete(slot, RegionReadStatus.Success, _reads.Buffer(slot), now);
                break;
            case ReassemblyResult.Failed:
                pending.End(tag);
                _reads[slot].State = RegionReadState.Ended;
                Answer(slot, RegionReadStatus.Failed, now);
                break;
            case ReassemblyResult.Poisoned:
                counters.TlpsPoisoned++;
                Answer(slot, RegionReadStatus.Substituted, now);
                break;
            default:
                counters.CompletionsMalformed++;
                Answer(slot, RegionReadStatus.Substituted, now);
                break;
        }
    }

    /// <summary>The function is reset: nothing that was asked of it will be answered by it.</summary>
    public void SubstituteAll(long now)
    {
        for (int slot = 0; slot < RegionReads.Capacity; slot++)
        {
            if (_reads[slot].State != RegionReadState.Free)
            {
                Answer(slot, RegionReadStatus.Substituted, now);
            }
        }
    }

    /// <summary>The function is gone for good.</summary>
    public void FailAll(long now)
    {
        while (_reads.TryGetExpired(long.MaxValue, out int slot))
        {
            Answer(slot, RegionReadStatus.Failed, now);
        }
    }

    public void Dispose() => _reads.Dispose();

    private bool TrySend(int slot)
    {
        if (!lane.IsOpen || pending.FreeForClient == 0)
        {
            return false;
        }

        ref RegionRead read = ref _reads[slot];
        ulong address = shadow.Bars.Address(read.Bar) + read.Offset;
        MemoryRequestHeader header = MemoryRequestHeader.Read(address, read.Length, requesterId, tag: 0);
        Span<byte> tlp = lane.Reserve(header.WrittenLength);
        if (tlp.IsEmpty || !pending.TryBegin(RequestKind.RegionRead, slot, address, read.Length, long.MaxValue, out ushort tag))
        {
            return false;
        }

        (header with { Tag = tag }).Write(tlp);
        lane.Commit();
        read.Tag = tag;
        read.State = RegionReadState.Sent;
        return true;
    }

    /// <summary>Ends a read without the function's answer.</summary>
    private void Answer(int slot, RegionReadStatus status, long now)
    {
        ref RegionRead read = ref _reads[slot];
        if (read.State == RegionReadState.Sent)
        {
            pending.Abandon(read.Tag);
        }

        Span<byte> data = _reads.Buffer(slot);
        if (status == RegionReadStatus.Substituted)
        {
            UnreachableAnswers.Fill(Hints, read.Bar, read.Offset, data);
        }
        else
        {
            data.Fill(0xFF);
        }

        Complete(slot, status, data, now);
    }

    /// <summary>Hands a read's end to the client. The slot is free before that, so that the client may use it again.</summary>
    private void Complete(int slot, RegionReadStatus status, ReadOnlySpan<byte> data, long now)
    {
        ref RegionRead read = ref _reads[slot];
        ulong context = read.Context;
        if (msix.Overlaps(read.Bar, read.Offset, read.Length, out int start, out int count) && status != RegionReadStatus.Failed)
        {
            Span<byte> own = _reads.Buffer(slot);
            data.CopyTo(own);
            msix.ClientBytes(read.Offset + (ulong)start, count).CopyTo(own[start..]);
            data = own;
        }

        _reads.Remove(slot);
        counters.RegionReadsSubstituted += status == RegionReadStatus.Substituted ? 1 : 0;
        counters.RegionReadsFailed += status == RegionReadStatus.Failed ? 1 : 0;
        Client?.OnRegionRead(context, status, data, now);
    }
}
