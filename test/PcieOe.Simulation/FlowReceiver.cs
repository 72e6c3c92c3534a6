using System.Buffers.Binary;
using PcieOe.Protocol.Link;

namespace PcieOe.Simulation;

/// <summary>
/// Receives one session's TLPs and knows what must come: every TLP of one flow, from the first on, once, in order, unaltered.
/// </summary>
internal sealed class FlowReceiver(Lane lane, FlowLedger ledger) : ITlpSink
{
    private readonly FlowBinding _binding = new(lane, ledger);
    private long _next;

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        while (!tlps.IsEmpty)
        {
            if (tlps.Length < TlpPattern.HeaderBytes)
            {
                throw Failure($"frame {frameNumber} ends within a TLP.");
            }

            uint id = BinaryPrimitives.ReadUInt32LittleEndian(tlps);
            uint index = BinaryPrimitives.ReadUInt32LittleEndian(tlps[4..]);
            Flow flow = _binding.Bind(id, this);
            if (index != (uint)_next)
            {
                throw Failure($"TLP {index} came where {_next} was due.");
            }

            int bytes = TlpPattern.LengthOf(id, index, lane.Scenario.LongestTlpBytes);
            if (bytes > tlps.Length || !TlpPattern.IsIntact(tlps[..bytes], id, index))
            {
                throw Failure($"TLP {index} was altered.");
            }

            _next++;
            flow.DeliveredBytes += bytes;
            lane.OnDelivered(flow);
            ledger.HasProgress = true;
            tlps = tlps[bytes..];
        }
    }

    private SimulationFailureException Failure(string what) => new($"{lane.Name}: {what}");
}

/// <summary>One session receives from one sender, and a sender's TLPs come in one session: whatever else comes is a failure.</summary>
internal sealed class FlowBinding(Lane lane, FlowLedger ledger)
{
    private Flow? _flow;

    public Flow Bind(uint id, ITlpSink receiver)
    {
        if (_flow is null)
        {
            _flow = ledger.Find(id);
            if (_flow is null || _flow.Lane != lane || _flow.Receiver is not null)
            {
                throw new SimulationFailureException($"{lane.Name}: a TLP came that belongs to no sender of this session.");
            }

            _flow.Receiver = receiver;
        }

        return _flow.Id == id ? _flow : throw new SimulationFailureException($"{lane.Name}: a TLP of flow {id} came in the session of flow {_flow.Id}.");
    }
}

/// <summary>All flows there have been.</summary>
internal sealed class FlowLedger
{
    private readonly List<Flow> _flows = [];

    /// <summary>Something was delivered since it was last asked.</summary>
    public bool HasProgress { get; set; }

    public Flow Begin(Lane lane)
    {
        Flow flow = lane.BeginFlow((uint)_flows.Count + 1);
        _flows.Add(flow);
        HasProgress = true;
        return flow;
    }

    public Flow? Find(uint id) => id - 1 < (uint)_flows.Count ? _flows[(int)id - 1] : null;
}
