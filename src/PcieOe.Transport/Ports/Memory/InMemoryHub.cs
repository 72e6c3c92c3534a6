using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Ports.Memory;

/// <summary>How an <see cref="InMemoryHub"/> is made.</summary>
public sealed record InMemoryHubOptions
{
    public int PortCount { get; init; } = 2;

    public int MaximumTransmissionUnit { get; init; } = 9000;

    /// <summary>Frames that wait for one port from one other; a power of two.</summary>
    public int SlotsPerRing { get; init; } = 256;
}

/// <summary>
/// Ports of one process joined as by a switch: a frame goes to the port that has its destination address, a multicast to all others.
/// A ring leads from each port to each other, so that every port may have a thread of its own without locks.
/// </summary>
public sealed class InMemoryHub : IDisposable
{
    /// <summary>Locally administered (IEEE 802-2014, 8.4), one for each port.</summary>
    private const ulong FirstAddress = 0x02_50_43_49_45_00;
    private const int MaximumPorts = 256;

    private readonly FrameRing?[] _rings;
    private readonly InMemoryPort[] _ports;

    public InMemoryHub(InMemoryHubOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PortCount, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.PortCount, MaximumPorts);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaximumTransmissionUnit, 64);
        if (!int.IsPow2(options.SlotsPerRing))
        {
            throw new ArgumentException("The slots of a ring must be a power of two.", nameof(options));
        }

        _rings = new FrameRing?[options.PortCount * options.PortCount];
        _ports = new InMemoryPort[options.PortCount];
        for (int from = 0; from < _ports.Length; from++)
        {
            for (int to = 0; to < _ports.Length; to++)
            {
                if (from != to)
                {
                    _rings[from * _ports.Length + to] = new FrameRing(options.SlotsPerRing, options.MaximumTransmissionUnit);
                }
            }
        }

        for (int i = 0; i < _ports.Length; i++)
        {
            _ports[i] = new InMemoryPort(this, i, options.MaximumTransmissionUnit);
        }
    }

    /// <summary>The ports; they end with the hub.</summary>
    public IReadOnlyList<InMemoryPort> Ports => _ports;

    /// <summary>The same, to walk through without allocating.</summary>
    internal InMemoryPort[] PortArray => _ports;

    public void Dispose()
    {
        foreach (InMemoryPort port in _ports)
        {
            port.Close();
        }

        foreach (FrameRing? ring in _rings)
        {
            ring?.Dispose();
        }
    }

    internal static MacAddress AddressOf(int port) => new(FirstAddress + (ulong)port);

    internal FrameRing? RingBetween(int from, int to) => _rings[from * _ports.Length + to];

    /// <summary>The position of the port with an address; -1 if none has it.</summary>
    internal int Find(MacAddress address)
    {
        ulong position = address.Value - FirstAddress;
        return position < (ulong)_ports.Length ? (int)position : -1;
    }
}
