using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Target.Probes;

/// <summary>
/// Moves data by a single memory request when the host orders it, and times that: what a DMA read or write of so many bytes takes, apart
/// from any command (docs/wire-format.md, "Probes"). One at a time; on the worker's thread, in fixed memory.
/// </summary>
/// <param name="clock">Monotonic nanoseconds.</param>
internal sealed class TlpProber(Func<long> clock)
{
    /// <summary>Of its reads: beyond what the function's own reads use with 5 or 8 bits.</summary>
    public const ushort Tag = 0x3FF;

    private readonly byte[] _data = new byte[TlpLimits.BoundaryBytes];
    private ProbePhase _phase;
    private ProbeOrder _order;
    private ProbeAnswer _answer;
    private ReadReassembly _reassembly;
    private RoutingId _requester;

    /// <summary>Something waits for room in the lane.</summary>
    public bool HasUnsent => _phase is ProbePhase.Ordered or ProbePhase.Done;

    /// <summary>An order came. While another one is being carried out it is dropped. False: another message.</summary>
    public bool TryTake(in TlpView message)
    {
        if (!ProbeOrder.TryParse(message, out ProbeOrder order))
        {
            return false;
        }

        if (_phase == ProbePhase.Idle)
        {
            _order = order;
            _phase = ProbePhase.Ordered;
        }

        return true;
    }

    /// <summary>Sends the request, and the answer once it is known, as far as the lane has room.</summary>
    public void Send(ITlpTransmitter lane, RoutingId requester, int maximumPayloadBytes, int maximumRequestBytes)
    {
        if (_phase == ProbePhase.Ordered)
        {
            int maximum = _order.Kind switch { ProbeKind.DmaRead => maximumRequestBytes, ProbeKind.DmaWrite => maximumPayloadBytes, _ => 0 };
            if (_order.Bytes == 0 || _order.Bytes > maximum || (_order.Address & (TlpLimits.BoundaryBytes - 1)) + _order.Bytes > TlpLimits.BoundaryBytes)
            {
                End(ProbeStatus.Refused, 0, 0);
            }
            else if (_order.Kind == ProbeKind.DmaWrite)
            {
                Write(lane, requester);
            }
            else
            {
                Read(lane, requester);
            }
        }

        if (_phase == ProbePhase.Done)
        {
            Span<byte> tlp = lane.Reserve(ProbeAnswer.WrittenLength);
            if (!tlp.IsEmpty)
            {
                _answer.Write(tlp, requester);
                lane.Commit(tlp.Length);
                _phase = ProbePhase.Idle;
            }
        }
    }

    /// <summary>A completion under <see cref="Tag"/> came. False: it is not the answer to a probe.</summary>
    public bool TryComplete(in TlpView completion, bool isMalformed)
    {
        if (_phase != ProbePhase.Reading || completion.RequesterId != _requester)
        {
            return false;
        }

        int offset = 0;
        ReadOnlySpan<byte> data = default;
        ReassemblyResult result = isMalformed ? ReassemblyResult.Malformed : _reassembly.Accept(completion, out offset, out data);
        data.CopyTo(_data.AsSpan(offset));
        if (result != ReassemblyResult.Piece)
        {
            long now = clock();
            End(result == ReassemblyResult.Last ? ProbeStatus.Success : ProbeStatus.Failed, _answer.BegunAt, now);
        }

        return true;
    }

    /// <summary>The function was reset, or has another host.</summary>
    public void Clear() => _phase = ProbePhase.Idle;

    private void Write(ITlpTransmitter lane, RoutingId requester)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Write(_order.Address, (int)_order.Bytes, requester);
        int payloadBytes = header.LengthDoublewords * TlpLimits.DoublewordBytes;
        Span<byte> tlp = lane.Reserve(header.WrittenLength + payloadBytes);
        if (tlp.IsEmpty)
        {
            return;
        }

        long now = clock();
        header.Write(tlp);

        // The name, so that no two probes in a row write the same; padding at either end is not enabled.
        tlp[header.WrittenLength..].Fill((byte)_order.Name);
        lane.Commit(tlp.Length);
        End(ProbeStatus.Success, now, now);
    }

    private void Read(ITlpTransmitter lane, RoutingId requester)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Read(_order.Address, (int)_order.Bytes, requester, Tag);
        Span<byte> tlp = lane.Reserve(header.WrittenLength);
        if (tlp.IsEmpty)
        {
            return;
        }

        _requester = requester;
        _reassembly = new ReadReassembly(_order.Address, (int)_order.Bytes);
        _answer = new ProbeAnswer { BegunAt = clock() };
        header.Write(tlp);
        lane.Commit(tlp.Length);
        _phase = ProbePhase.Reading;
    }

    private void End(ProbeStatus status, long begunAt, long endedAt)
    {
        _answer = new ProbeAnswer
        {
            Name = _order.Name,
            Status = status,
            Check = status == ProbeStatus.Success && _order.Kind == ProbeKind.DmaRead ? Crc32C.Compute(_data.AsSpan(0, (int)_order.Bytes)) : 0,
            BegunAt = begunAt,
            EndedAt = endedAt,
        };
        _phase = ProbePhase.Done;
    }

    private enum ProbePhase : byte
    {
        Idle,

        /// <summary>Its request waits for room.</summary>
        Ordered,

        /// <summary>Its completions are awaited.</summary>
        Reading,

        /// <summary>Its answer waits for room.</summary>
        Done,
    }
}
