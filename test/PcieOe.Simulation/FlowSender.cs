using PcieOe.Protocol.Link;

namespace PcieOe.Simulation;

/// <summary>Keeps one direction saturated until all its TLPs have arrived.</summary>
internal sealed class FlowSender(Lane lane)
{
    /// <summary>Puts the next TLPs in, as many as belong into one frame. False: the lane wants none, or has no room.</summary>
    public bool Fill(ITlpTransmitter transmitter)
    {
        Flow? flow = lane.Flow;
        if (flow is null)
        {
            return false;
        }

        Scenario scenario = lane.Scenario;
        int filled = 0;
        while (filled < scenario.TlpsPerFrame && lane.Delivered + flow.Committed - flow.Delivered < scenario.Tlps)
        {
            int bytes = TlpPattern.LengthOf(flow.Id, flow.Committed, scenario.LongestTlpBytes);
            Span<byte> tlp = transmitter.Reserve(bytes);
            if (tlp.IsEmpty)
            {
                break;
            }

            if (tlp.Length != bytes)
            {
                throw new SimulationFailureException($"{lane.Name}: {bytes} bytes were reserved, {tlp.Length} were given.");
            }

            TlpPattern.Write(tlp, flow.Id, flow.Committed);
            transmitter.Commit(bytes);
            flow.Committed++;
            flow.CommittedBytes += bytes;
            filled++;
        }

        CheckBound(flow);
        return filled != 0;
    }

    private void CheckBound(Flow flow)
    {
        // What has been delivered may not be acknowledged yet, so this is less than what the sender holds.
        long mostBytes = lane.Scenario.HostLink.WindowBytes;
        if (flow.CommittedBytes - flow.DeliveredBytes > mostBytes)
        {
            throw new SimulationFailureException($"{lane.Name}: the sender holds more than {mostBytes} bytes.");
        }
    }
}
