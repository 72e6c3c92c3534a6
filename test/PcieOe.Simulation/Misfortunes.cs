namespace PcieOe.Simulation;

/// <summary>Cuts and restarts, spread over the seed's progress, so that each falls into the middle of something.</summary>
internal sealed class Misfortunes
{
    private readonly SimulationRandom _random;
    private readonly Totals _totals;
    private readonly List<IStation> _stations;
    private readonly List<SimulatedPath> _paths;
    private readonly Queue<(long Delivered, bool IsCut)> _due = [];

    public Misfortunes(Scenario scenario, SimulationRandom random, Totals totals, List<IStation> stations, List<SimulatedPath> paths)
    {
        _random = random;
        _totals = totals;
        _stations = stations;
        _paths = paths;
        long all = 2L * scenario.Hosts * scenario.Tlps;
        var due = new List<(long Delivered, bool IsCut)>();
        for (int i = 0; i < scenario.Cuts + scenario.Restarts; i++)
        {
            due.Add((random.Between(0, all * 9 / 10), i < scenario.Cuts));
        }

        foreach ((long, bool) misfortune in due.Order())
        {
            _due.Enqueue(misfortune);
        }
    }

    public void OnProgress(long delivered, long now)
    {
        while (_due.TryPeek(out (long Delivered, bool IsCut) next) && delivered >= next.Delivered)
        {
            _due.Dequeue();
            if (next.IsCut)
            {
                Cut(now);
            }
            else
            {
                Restart(now);
            }
        }
    }

    private void Cut(long now)
    {
        _totals.Cuts++;
        long until = now + _random.Pick([1_000_000L, 50_000_000, 300_000_000, 1_500_000_000, 3_000_000_000]);
        int path = _random.Between(0, _paths.Count - 1);
        _paths[path].CutUntil = until;
        if (_random.Chance(0.5))
        {
            // Both directions: a host's two paths stand beside one another.
            _paths[path ^ 1].CutUntil = until;
        }
    }

    private void Restart(long now)
    {
        _totals.Restarts++;
        _random.Pick([.. _stations]).Restart(now, now + _random.Pick([0L, 10_000_000, 400_000_000]));
    }
}
