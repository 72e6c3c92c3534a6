using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

/// <summary>
/// Tenants' sessions through one first-in first-out bottleneck of 1 Gb/s, in virtual time: either all from one sending port (reads: the
/// sender shares it) or each from a port of its own towards one receiving port (writes: the receiver allots it).
/// </summary>
internal sealed class SimulatedNetwork : IDisposable
{
    internal const double LinkMegabitsPerSecond = 1000;
    private const long StepNanoseconds = 5_000;
    private const long DelayNanoseconds = 60_000;
    private const int QueueLimitBytes = 1 << 20;

    private readonly SimulatedTenant[] _tenants;
    private readonly PortGatekeeper? _sendingPort;
    private readonly PortGatekeeper?[] _sendingPorts;
    private readonly PortGatekeeper? _receivingPort;
    private readonly Queue<(long At, int Tenant, byte[] Frame)> _queue = new();
    private long _lineFreeAt;
    private int _queuedBytes;
    private int _turn;

    private SimulatedNetwork(SimulatedTenant[] tenants, PortGatekeeper? sendingPort, PortGatekeeper?[] sendingPorts, PortGatekeeper? receivingPort)
    {
        _tenants = tenants;
        _sendingPort = sendingPort;
        _sendingPorts = sendingPorts;
        _receivingPort = receivingPort;
    }

    internal long Now { get; private set; }

    internal long Dropped { get; private set; }

    /// <summary>The port that decides.</summary>
    internal PortGatekeeper Gatekeeper => _sendingPort ?? _receivingPort!;

    /// <summary>One port sends to all; null options: in turn, without a policy.</summary>
    internal static SimulatedNetwork FromOnePort(SimulatedTenant[] tenants, GatekeeperOptions? options)
    {
        PortGatekeeper? port = options is null ? null : new(options, LinkMegabitsPerSecond, tenants.Length);
        for (int i = 0; port is not null && i < tenants.Length; i++)
        {
            port.Attach(i, tenants[i].Name, tenants[i].Session);
        }

        return new SimulatedNetwork(tenants, port, new PortGatekeeper?[tenants.Length], null);
    }

    /// <summary>Each tenant sends from a port of its own to one that allots what arrives; null options: without a policy.</summary>
    internal static SimulatedNetwork ToOnePort(SimulatedTenant[] tenants, GatekeeperOptions? options)
    {
        PortGatekeeper? receiver = options is null ? null : new(options, LinkMegabitsPerSecond, tenants.Length);
        var senders = new PortGatekeeper?[tenants.Length];
        for (int i = 0; i < tenants.Length; i++)
        {
            PortGatekeeper sender = senders[i] = new(new GatekeeperOptions(), null, 1);
            sender.Attach(0, tenants[i].Name, tenants[i].Session);
            receiver?.Attach(i, tenants[i].Name, tenants[i].Session);
            if (tenants[i].OnFeedback is null)
            {
                tenants[i].OnFeedback = (message, now) => sender.OnFeedback(0, message, now);
            }
        }

        return new SimulatedNetwork(tenants, null, senders, receiver);
    }

    /// <summary>Megabits of content a second that each tenant got in each successive window.</summary>
    internal double[][] Run(int windows, long windowNanoseconds = 100_000_000)
    {
        var results = new double[_tenants.Length][];
        long[] before = [.. _tenants.Select(tenant => tenant.DeliveredBytes)];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new double[windows];
        }

        for (int window = 0; window < windows; window++)
        {
            for (long end = Now + windowNanoseconds; Now < end; Now += StepNanoseconds)
            {
                Step();
            }

            for (int i = 0; i < results.Length; i++)
            {
                results[i][window] = (_tenants[i].DeliveredBytes - before[i]) * 8e3 / windowNanoseconds;
                before[i] = _tenants[i].DeliveredBytes;
            }
        }

        return results;
    }

    public void Dispose()
    {
        foreach (SimulatedTenant tenant in _tenants)
        {
            tenant.Dispose();
        }
    }

    private void Step()
    {
        while (_queue.TryPeek(out (long At, int Tenant, byte[] Frame) next) && next.At <= Now)
        {
            _queue.Dequeue();
            _queuedBytes -= next.Frame.Length;
            _tenants[next.Tenant].Receive(next.Frame, Now, DelayNanoseconds);
        }

        _receivingPort?.OnTimer(Now);
        _sendingPort?.OnTimer(Now);
        for (int i = 0; i < _tenants.Length; i++)
        {
            _tenants[i].Step(Now);
            _sendingPorts[i]?.OnTimer(Now);
            _tenants[i].Answer(Now, DelayNanoseconds);
        }

        if (_sendingPort is not null)
        {
            Send(_sendingPort, 0, _tenants.Length);
        }
        else if (_sendingPorts[0] is null)
        {
            SendInTurn();
        }
        else
        {
            for (int i = 0; i < _tenants.Length; i++)
            {
                Send(_sendingPorts[i]!, i, 1);
            }
        }
    }

    private void Send(PortGatekeeper port, int first, int count)
    {
        for (int flow = 0; flow < count; flow++)
        {
            port.Egress.MarkReady(flow, Now);
        }

        while (port.Egress.TryNext(Now, out int flow))
        {
            byte[] frame = _tenants[first + flow].TakeFrame(Now, mayCarryData: true);
            if (frame.Length == 0)
            {
                port.Egress.OnEmpty(flow);
            }
            else
            {
                port.Egress.OnSent(flow, frame.Length, Now);
                Carry(first + flow, frame);
            }
        }
    }

    private void SendInTurn()
    {
        for (int silent = 0; silent < _tenants.Length; _turn = (_turn + 1) % _tenants.Length)
        {
            byte[] frame = _tenants[_turn].TakeFrame(Now, mayCarryData: true);
            silent = frame.Length == 0 ? silent + 1 : 0;
            if (frame.Length > 0)
            {
                Carry(_turn, frame);
            }
        }
    }

    private void Carry(int tenant, byte[] frame)
    {
        if (_queuedBytes + frame.Length > QueueLimitBytes)
        {
            Dropped++;
            return;
        }

        _queuedBytes += frame.Length;
        _lineFreeAt = Math.Max(_lineFreeAt, Now) + (long)((frame.Length + EgressScheduler.WireOverheadBytes) * 8e3 / LinkMegabitsPerSecond);
        _queue.Enqueue((_lineFreeAt + DelayNanoseconds, tenant, frame));
    }
}
