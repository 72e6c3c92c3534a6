using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Hops;

namespace PcieOe.Target.Functions;

/// <summary>
/// Lets a function write its ready transactions into the lane, as far as that has room: the one that ran out of room goes on first, then
/// whichever has the earliest deadline.
/// </summary>
internal sealed class EgressSender(
    IPcieFunction function, IAdmission admission, DmaWriter writer, EgressQueue queue, FunctionBridgeCounters counters, HopRecorder? hops)
{
    private TransactionToken _current;
    private bool _isCurrentPartial;

    public bool HasUnsent => queue.Count > 0 || _isCurrentPartial || hops is { HasReports: true };

    /// <summary>The function was reset: what is ready is void.</summary>
    public void Clear()
    {
        queue.Clear();
        _isCurrentPartial = false;
    }

    public void Send(ITlpTransmitter lane, RoutingId functionId, long now)
    {
        if (hops is { HasReports: true })
        {
            hops.SendReports(lane, functionId);
        }

        while (lane.RoomBytes > 0 && (_isCurrentPartial || queue.TryPop(out _current)))
        {
            _isCurrentPartial = true;
            if (hops is { IsActive: true })
            {
                hops.OnMaterializing(_current);
            }

            MaterializeResult result = function.Materialize(_current, writer, now);
            writer.Flush();
            if (result == MaterializeResult.Partial)
            {
                return;
            }

            _isCurrentPartial = false;
            if (result == MaterializeResult.Completed)
            {
                counters.TransactionsSent++;
                admission.OnCompleted(_current, now);
                if (hops is { IsActive: true })
                {
                    hops.OnMaterialized(_current, lane, functionId);
                }
            }
            else
            {
                counters.TransactionsBlocked++;
                hops?.OnBlocked(_current);
            }
        }
    }
}
