using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;

namespace PcieOe.Protocol.Discovery;

/// <summary>A target that answered.</summary>
public sealed class DiscoveredTarget
{
    private readonly List<FunctionOffer> _functions = [];

    internal DiscoveredTarget(string name, MacAddress address)
    {
        Name = name;
        Address = address;
    }

    public string Name { get; }

    public MacAddress Address { get; }

    public SecurityMode Security { get; internal set; }

    public int MaximumTransmissionUnit { get; internal set; }

    /// <summary>The answer shows knowledge of the asker's key. False: anybody may have given it.</summary>
    public bool IsAuthentic { get; internal set; }

    /// <summary>How many functions the target has for the asker; -1 while it has not said: with keys it tells no stranger.</summary>
    public int FunctionCount { get; internal set; } = -1;

    /// <summary>Those of them that have come so far.</summary>
    public IReadOnlyList<FunctionOffer> Functions => _functions;

    internal byte[] Cookie { get; set; } = [];

    /// <summary>The page to ask for next; -1 for none.</summary>
    internal int PageToAsk { get; set; } = -1;

    /// <summary>The MAC of the last discover sent to it, which its answer is bound to.</summary>
    internal byte[] DiscoverMac { get; set; } = [];

    internal void AddFunctions(in Offer offer)
    {
        for (int i = 0; i < offer.Count; i++)
        {
            _functions.Add(offer.Function(i));
        }
    }
}
