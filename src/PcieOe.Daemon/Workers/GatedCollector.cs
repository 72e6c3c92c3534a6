using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Daemon.Workers;

/// <summary>Where a <see cref="GatedCollector"/> gets a flow's frames.</summary>
public interface IGatedFrames
{
    /// <summary>Adds the flow's next frame to a batch that is not full.</summary>
    /// <param name="mayCarryData">False: only frames outside the lane and acknowledgements that are due.</param>
    /// <returns>Its bytes, from the link's header on; 0: there is none.</returns>
    int Add(int flow, bool mayCarryData, FrameBatch batch, MacAddress source, long now);
}

/// <summary>Fills a batch in the order that an <see cref="EgressScheduler"/> decides. What it holds back may still acknowledge.</summary>
public sealed class GatedCollector(EgressScheduler scheduler, int flows)
{
    // Flows of which something happened in this round, so that an acknowledgement may be due.
    private readonly int[] _marked = new int[flows];
    private readonly bool[] _isMarked = new bool[flows];
    private int _markedCount;

    /// <summary>The flow may have a frame.</summary>
    public void MarkReady(int flow, long now)
    {
        scheduler.MarkReady(flow, now);
        if (!_isMarked[flow])
        {
            _isMarked[flow] = true;
            _marked[_markedCount++] = flow;
        }
    }

    public void Collect(IGatedFrames frames, FrameBatch batch, MacAddress source, long now)
    {
        while (!batch.IsFull && scheduler.TryNext(now, out int flow))
        {
            int bytes = frames.Add(flow, mayCarryData: true, batch, source, now);
            if (bytes > 0)
            {
                scheduler.OnSent(flow, bytes, now);
            }
            else
            {
                scheduler.OnEmpty(flow);
            }
        }

        while (_markedCount > 0 && !batch.IsFull)
        {
            int flow = _marked[_markedCount - 1];
            int bytes = scheduler.Has(flow) && scheduler.IsWaiting(flow) ? frames.Add(flow, mayCarryData: false, batch, source, now) : 0;
            if (bytes > 0)
            {
                scheduler.OnSentUnscheduled(flow, bytes, now);
                continue;
            }

            _markedCount--;
            _isMarked[flow] = false;
        }
    }
}
