using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Impairment;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.Impair;

/// <summary>Hands every frame that one interface receives to the other, through a bad line for each direction.</summary>
internal sealed class ImpairmentRelay : IDisposable
{
    private readonly ImpairmentOptions _options;
    private readonly PacketPort _first;
    private readonly PacketPort _second;
    private readonly RelayDirection _there;
    private readonly RelayDirection _back;

    /// <exception cref="PortException">One of the interfaces cannot be used.</exception>
    internal ImpairmentRelay(string first, string second, ImpairmentOptions options)
    {
        _options = options;
        _first = Open(first);
        try
        {
            _second = Open(second);
        }
        catch
        {
            _first.Dispose();
            throw;
        }

        // The seed of the way back follows from the other, so that the two ways do not suffer alike.
        _there = new RelayDirection(_first, _second, options);
        _back = new RelayDirection(_second, _first, options with { Seed = ~options.Seed });
    }

    internal string FirstName => _first.Name;

    internal string SecondName => _second.Name;

    /// <summary>Relays until the time is up or it is told to end.</summary>
    internal void Run(TimeSpan limit, CancellationToken cancellation)
    {
        using PollWaiter waiter = new(new PollWaiterOptions());
        waiter.Add(_first);
        waiter.Add(_second);
        using CancellationTokenRegistration registration = cancellation.Register(waiter.Wake);
        long now = MonotonicClock.Nanoseconds;
        long end = limit == Timeout.InfiniteTimeSpan ? long.MaxValue : now + (long)limit.TotalNanoseconds;
        for (; now < end && !cancellation.IsCancellationRequested; now = MonotonicClock.Nanoseconds)
        {
            if (_there.Round(now) | _back.Round(now))
            {
                waiter.OnWork();
            }
            else
            {
                waiter.OnIdle(now, Math.Min(end, Math.Min(_there.NextDeadline, _back.NextDeadline)));
            }
        }
    }

    internal ImpairmentReport Report() => new() { Seed = _options.Seed, Directions = [_there.Report(), _back.Report()] };

    public void Dispose()
    {
        _there.Dispose();
        _back.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private static PacketPort Open(string name) => PacketPort.Open(new PacketPortOptions { InterfaceName = name, EtherType = null, Promiscuous = true });
}
